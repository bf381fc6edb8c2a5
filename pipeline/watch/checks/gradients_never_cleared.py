"""Gradients of earlier steps are added to those of this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.graph import MovedByHand
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Step

if TYPE_CHECKING:
    from torch import Tensor

# So many steps in a row whose gradients were still there at the next backward pass.
STEPS = 3
# Of each optimiser the first so many steps are looked at.
LAST = 50


class GradientsNeverCleared(Check):
    name = "gradients_never_cleared"
    looks_at = (
        "whether a parameter's gradient at a step is still there at the next backward pass, from the first steps on"
    )
    cost = "one comparison of a gradient at each of the first steps"
    source = "PyTorch's optimisation tutorial; TheDeepChecker (2021)"
    expected = "gradients are None or zero when the next batch's backward pass begins"
    remedy = "call optimizer.zero_grad() before each loss.backward()"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._weights: dict[int, Tensor] = {}
        self._cleared: dict[int, bool] = {}
        self._backwards: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._place = ""
        # Of weights that a program moves without an optimiser, or an optimiser between two calls of its closure.
        self._by_hand = MovedByHand(most=8)
        self._in_step = False
        self._kept = 0

    def backward(self, call: Backward) -> None:
        self._place = call.place or self._place
        if (self._in_step or not self.heard.optimisers) and call.number < LAST and self._kept < STEPS:
            self._look_at_hand(call)
        for key, weight in self._weights.items():
            self._backwards[key] += 1
            # Of several backward passes between two steps one may find the gradient cleared, and the others add to it.
            self._cleared[key] |= weight.grad is None or not bool(weight.grad.any())

    def _look_at_hand(self, call: Backward) -> None:
        moved, kept = self._by_hand.look(call.loss)
        # Between two moves gradients may be gathered.
        self._kept = self._kept + 1 if kept else 0 if moved else self._kept
        if self._kept == STEPS:
            self.finds(
                self._place,
                f"{STEPS} times in a row {len(kept)} weights had been moved by their gradients, which were still there "
                "when the next backward pass began, and were added to",
                remedy="" if self._in_step else "set each weight's grad to None once it has been moved",
            )

    def before_step(self, step: Step) -> None:
        key = id(step.heard)
        self._in_step = True
        if key not in self._weights:
            return
        kept = self._backwards[key] > 0 and not self._cleared[key]
        self._rows[key] = self._rows.get(key, 0) + 1 if kept else 0
        if self._rows[key] == STEPS:
            optimiser = type(step.heard.optimiser).__name__
            self.finds(
                self._place or f"optimiser {optimiser}",
                f"at {STEPS} steps of {optimiser} in a row the gradients of the step before were still there when the "
                "backward pass began, and were added to",
            )

    def after_step(self, step: Step) -> None:
        key = id(step.heard)
        self._in_step = False
        self._weights.pop(key, None)
        if step.number > LAST or self._rows.get(key, 0) >= STEPS:
            return
        weight = next((one for one in step.heard.parameters if one.grad is not None and not one.grad.is_sparse), None)
        if weight is not None and bool(weight.grad.any()):  # type: ignore[union-attr]
            self._weights[key], self._cleared[key], self._backwards[key] = weight, False, 0
