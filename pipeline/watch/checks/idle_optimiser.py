"""An optimiser that is made and never steps, while others do: what it holds stays as it was drawn."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.optimisers import ids_held_by
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Step
from backtrack.watch.checks.parameters_without_optimiser import AFTER
from backtrack.watch.listening.holders import holders_of


class IdleOptimiser(Check):
    name = "idle_optimiser"
    looks_at = (
        "optimisers that hold parameters with a gradient, after twenty steps of others, and whether they ever step"
    )
    cost = "nothing, but where no optimiser that steps holds such a parameter: one look at all objects"
    source = "PyTorch documentation of torch.optim: optimizer.step() updates the parameters that it holds"
    expected = "a step of each optimiser that is made, where the loss reaches what it holds"
    remedy = "call its step() as well, after loss.backward()"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._idle: list[tuple[set[int], str, str]] = []
        self._place = ""

    def backward(self, call: Backward) -> None:
        self._place = call.place or self._place

    def after_step(self, step: Step) -> None:
        if self.heard.steps == AFTER:
            self._look()

    def end(self) -> None:
        if 0 < self.heard.steps < AFTER:
            self._look()
        for held, kind, names in self._idle:
            if held.isdisjoint(self._stepped()):
                self.finds(
                    f"optimiser {kind} ({self._place})" if self._place else f"optimiser {kind}",
                    f"it holds {names}, which get a gradient, and it made none of the {self.heard.steps} steps",
                )

    def _stepped(self) -> set[int]:
        return {id(weight) for one in self.heard.optimisers for weight in one.parameters}

    def _look(self) -> None:
        stepped = self._stepped()
        lost = {
            id(weight): weight
            for model in self.heard.models
            for weight in model.module.parameters()
            if id(weight) not in stepped and weight.grad is not None and bool(weight.grad.any())
        }
        for optimiser in holders_of(lost.values()) if lost else ():
            held = ids_held_by(optimiser)
            names = joined([self.heard.name_of(weight) for key, weight in lost.items() if key in held])
            self._idle.append((held, type(optimiser).__name__, names))
