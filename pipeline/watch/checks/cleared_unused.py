"""Gradients of many batches are cleared without a step: only the last batch before it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Step
from backtrack.watch.listening.holders import holders_of
from backtrack.watch.listening.standing_back import on_gradient

# Backward passes in a row whose gradients nothing uses.
ROWS = 8


class GradientsClearedUnused(Check):
    name = "gradients_cleared_unused"
    looks_at = (
        "whether the gradients of one backward pass after another are cleared before any step, in the first passes"
    )
    cost = "a hook on one parameter, and a copy of it a pass, until the first steps are over"
    source = "PyTorch forum: optimizer.step() outside of the loop over batches"
    expected = "a step, or a sum of gradients, between two times that they are cleared"
    remedy = "call optimizer.step() after loss.backward() for each batch, inside of the same loop"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._weight: Any = None
        self._hook: Any = None
        self._made = False
        self._before: Any = None
        self._steps = 0
        self._rows = self._most = self._passes = 0
        self._place = ""
        self._over = self._held = False

    def backward(self, call: Backward) -> None:
        weight = None if self._over else self._listened()
        if weight is None:
            return
        stepped, self._steps = self.heard.steps != self._steps, self.heard.steps
        cleared = weight.grad is None or not bool(weight.grad.any())
        # Where weights are moved by hand, their gradients are used.
        same = self._before is not None and bool((self._before == weight.detach()).all())
        unused = self._made and same and not stepped
        self._rows = self._rows + 1 if unused and cleared else 0
        self._passes = self._passes + 1 if unused else 0
        if self._passes == ROWS:
            # Asked now: a program's optimiser may be gone when it ends.
            self._held = bool(holders_of([weight]))
        self._most = max(self._most, self._rows)
        self._made, self._before, self._place = False, weight.detach().clone(), call.place or self._place

    def _listened(self) -> Any:
        if self._weight is None and self.heard.models:
            weights = [one for one in self.heard.models[0].module.parameters() if one.requires_grad]
            if weights:
                self._weight = weights[-1]
                self._hook = on_gradient(self._weight, self._accumulated)
        return self._weight

    def _accumulated(self, weight: Any) -> None:
        # A gradient that is zero from the start, as behind a dead unit, is not one that is cleared.
        self._made = weight.grad is not None and bool(weight.grad.any())

    def before_step(self, step: Step) -> None:
        if self._most >= ROWS:
            self.finds(
                self._place or "the step",
                f"{self._most + 1} or more backward passes one after another, and one step: it sees the last one's "
                "gradients alone, since those before were cleared",
            )
            self._most = 0
        if step.number >= ROWS:
            self.end()

    def end(self) -> None:
        if max(self._most, self._passes) >= ROWS and not self.heard.steps and self._held:
            kept = "were cleared" if self._most >= ROWS else "pile up"
            self.finds(
                self._place or "the step",
                f"{max(self._most, self._passes) + 1} or more backward passes one after another, whose gradients "
                f"{kept}, and no step at all",
                remedy="call optimizer.step() (with its parentheses) after loss.backward(); where gradients of several "
                "batches are added up, after no more batches than an epoch has",
            )
        self._over = True
        if self._hook is not None:
            self._hook()
            self._hook = None
