"""A net trains on batches in which there is no example."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Pass

# Empty passes that a model must have, and their share of its first ones: a last batch may have nothing left.
SEVERAL, SHARE = 2, 0.25


class EmptyBatches(Check):
    name = "empty_batches"
    looks_at = "how many examples there are in a model's first training passes"
    cost = "one number of each"
    source = "Python documentation, slices: x[start:size] is empty from start = size on"
    expected = "examples in each batch"
    remedy = "cut each batch from where it begins to where it ends: x[start:start + size]"
    # The mean over no example is no number.
    more_exact_than = ("not_finite",)
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each model: passes, and those without an example.
        self._passes: dict[int, int] = {}
        self._empty: dict[int, int] = {}

    def passed(self, call: Pass) -> None:
        if not call.gradients or not call.given.ndim:
            return
        key = id(call.model)
        passes = self._passes[key] = self._passes.get(key, 0) + 1
        if len(call.given):
            return
        empty = self._empty[key] = self._empty.get(key, 0) + 1
        if empty >= SEVERAL and empty >= SHARE * passes:
            self.finds(
                call.place or call.model.name,
                f"{empty} of the first {passes} batches that {call.model.name} trains on are empty (inputs of shape "
                f"{tuple(call.given.shape)})",
            )
