"""Gradients are cleared between the backward pass and the step: the step sees none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Step
from backtrack.watch.listening.standing_back import on_gradient

# Parameters that are listened to, steps in a row that have to show it, and the last step that is looked at.
PARAMETERS, STEPS, LAST = 4, 3, 8


class GradientsClearedBeforeStep(Check):
    name = "gradients_cleared_before_step"
    looks_at = "whether gradients that a backward pass has made are gone at the step after it, in the first steps"
    cost = "a hook on four parameters for eight steps"
    source = "PyTorch forum: zero_grad() between backward() and step()"
    expected = "the step sees the gradients of the backward pass before it"
    remedy = "call optimizer.zero_grad() before loss.backward(), not between it and optimizer.step()"
    more_exact_than = ("parameters_without_gradient",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._made: set[int] = set()
        self._hooks: list[Any] = []
        self._rows = 0
        self._place = ""
        self._over = False

    def backward(self, call: Backward) -> None:
        self._place = call.place or self._place
        if self._hooks or self._over or not self.heard.models:
            return
        weights = [weight for weight in self.heard.models[0].module.parameters() if weight.requires_grad]
        for weight in weights[-PARAMETERS:]:
            self._hooks.append(on_gradient(weight, self._accumulated))

    def _accumulated(self, weight: Any) -> None:
        # A gradient that is zero from the start, as behind a dead unit, is not one that is cleared.
        if weight.grad is not None and bool(weight.grad.any()):
            self._made.add(id(weight))

    def before_step(self, step: Step) -> None:
        own = [weight for weight in step.heard.parameters if id(weight) in self._made]
        self._made.clear()
        if self._over or not own:
            return
        gone = all(weight.grad is None or not bool(weight.grad.any()) for weight in own)
        self._rows = self._rows + 1 if gone else 0
        if self._rows == STEPS:
            self.finds(
                self._place or "the step",
                f"at {STEPS} steps in a row the gradients that the backward pass had made were gone",
            )
        if self._rows == STEPS or step.number >= LAST:
            self._end()

    def end(self) -> None:
        self._end()

    def _end(self) -> None:
        self._over = True
        for hook in self._hooks:
            hook()
        self._hooks.clear()
