"""A net trains on batches in which there is no example."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss
from backtrack.watch.listening.tensors import tensors_in

# Losses of empty batches that there must be at a place, and their share of its first ones: a last batch may have
# nothing left.
SEVERAL, SHARE = 2, 0.25


class EmptyBatches(Check):
    name = "empty_batches"
    looks_at = "how many examples a model got for each of the first losses, and whether the loss is a number"
    cost = "one number of each"
    source = "Python documentation, slices: x[start:size] is empty from start = size on"
    expected = "examples in each batch"
    remedy = "cut each batch from where it begins to where it ends: x[start:start + size]"
    # The mean over no example is no number.
    more_exact_than = ("not_finite",)
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each place: losses, and those of no example.
        self._losses: dict[str, int] = {}
        self._empty: dict[str, int] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or self.heard.last is None:
            return
        losses = self._losses[call.place] = self._losses.get(call.place, 0) + 1
        model, inputs, _ = self.heard.last
        given = tensors_in(inputs)
        # An expert that none of the examples went to is no fault, nor is a sum over none.
        if not given or not given[0].ndim or len(given[0]) or not bool(call.value.isnan().any()):
            return
        empty = self._empty[call.place] = self._empty.get(call.place, 0) + 1
        if empty >= SEVERAL and empty >= SHARE * losses:
            self.finds(
                call.place or call.name,
                f"{empty} of the first {losses} batches that {model.name} trains on are empty (inputs of shape "
                f"{tuple(given[0].shape)}), and their loss is no number",
            )
