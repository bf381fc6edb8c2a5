"""Targets that the loss does not take, or that never differ."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Heard, Loss

CLASSES = {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
# Examples that have to have one and the same class.
EXAMPLES, CALLS = 128, 6


class Targets(Check):
    name = "targets"
    looks_at = "the targets of classification losses, at their first calls"
    cost = "a minimum and a maximum at the first calls"
    source = "TheDeepChecker (2021), label checks; DeepFD"
    expected = "targets between 0 and 1 for binary losses, class numbers of more than one class"
    remedy = "check how the labels are made and read"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._range: dict[str, tuple[float, float, int, int]] = {}
        self._all: tuple[float, float] = (float("inf"), float("-inf"))

    def loss(self, call: Loss) -> None:
        if call.name not in CLASSES or not call.training or not call.target.numel():
            return
        target = call.target.detach()
        if target.is_floating_point() and call.name in ("cross_entropy",):
            return
        low, high = float(target.min()), float(target.max())
        if call.name == "binary_cross_entropy_with_logits" and (low < -1e-6 or high > 1 + 1e-6):
            self.finds(
                call.place,
                f"targets of {call.name} reach from {low:g} to {high:g}, and it takes 0 to 1",
                remedy="bring the labels to 0 and 1",
            )
        before = self._range.get(call.place, (low, high, 0, 0))
        now = (min(before[0], low), max(before[1], high), before[2] + target.numel(), before[3] + 1)
        self._range[call.place] = now
        self._all = min(self._all[0], low), max(self._all[1], high)

    def end(self) -> None:
        for place, (low, high, examples, calls) in self._range.items():
            # Over all places: a GAN's losses each have one label.
            if low == high and self._all[0] == self._all[1] and examples >= EXAMPLES and calls >= CALLS:
                self.finds(
                    place, f"all {examples} targets that were looked at are {low:g}: there is nothing to tell apart"
                )
