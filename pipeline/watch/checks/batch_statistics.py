"""Batch normalisation over a handful of numbers."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner

LEAST, PASSES = 4, 3


class BatchStatistics(Check):
    name = "batch_statistics"
    looks_at = "over how many numbers batch normalisation takes its mean, in the first training passes"
    cost = "a look at shapes"
    source = "Wu & He, Group Normalization (2018): batch statistics of small batches"
    expected = "a mean over eight numbers or more"
    remedy = "larger batches, or GroupNorm or LayerNorm instead of BatchNorm"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, int] = {}

    def inner(self, call: Inner) -> None:
        if (
            "BatchNorm" not in type(call.module).__name__
            or not call.module.training
            or not call.gradients
            or not call.inputs
        ):
            return
        values = call.inputs[0]
        count = values.numel() // max(1, values.shape[1]) if values.ndim > 1 else 0
        if 0 < count <= LEAST:
            place = call.place
            self._seen[place] = self._seen.get(place, 0) + 1
            if self._seen[place] == PASSES:
                self.finds(
                    place, f"its mean and variance are those of {count} numbers (inputs of shape {tuple(values.shape)})"
                )
