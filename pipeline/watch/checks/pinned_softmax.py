"""A softmax inside of an untrained net that chooses one entry already: no gradient comes back through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Activated, Backward

# Calls that have to show it, rows and entries of each at least, and the largest weight of a row, on average.
CALLS, ROWS, ENTRIES, PINNED = 2, 8, 3, 0.95


class PinnedSoftmax(Check):
    name = "pinned_softmax"
    looks_at = "the largest weights that each softmax inside of a model gives, up to the second step"
    cost = "a maximum and a sum for each such call, up to the second step"
    source = "Vaswani et al., Attention is all you need (2017), 3.2.1: dot products that grow large"
    expected = "weights that are spread over several entries before anything is learnt"
    remedy = "divide the scores by what makes them large: by the root of the keys' width, or by their own deviation"
    # A hard choice may be meant.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each place: calls that showed it so far, or that one did not; and the last weights.
        self._calls: dict[str, int] = {}
        self._largest: dict[str, tuple[tuple[int, ...], float]] = {}

    def activated(self, call: Activated) -> None:
        if call.name != "softmax" or not call.place or call.result.grad_fn is None:
            return
        largest = _largest(call.result.detach())
        shown = largest >= PINNED
        self._calls[call.place] = self._calls.get(call.place, 0) + 1 if shown else -CALLS
        self._largest[call.place] = tuple(call.result.shape), largest

    def backward(self, call: Backward) -> None:
        if any(model.loaded for model in self.heard.models):
            # What has learnt before may be sure of itself.
            return
        for place, calls in self._calls.items():
            if calls >= CALLS:
                shape, largest = self._largest[place]
                self.finds(
                    place,
                    f"the largest weight of each row of this softmax, of {shape}, is {largest:.3f} on average before "
                    "anything is learnt: it hardly lets a gradient through",
                )


def _largest(weights: Any) -> float:
    """The largest weight of a row, on average over rows with several entries; 0 where there are too few of these."""
    for axis in range(weights.ndim - 1, -1, -1):
        if bool(((weights.sum(axis) - 1).abs() < 1e-3).all()):
            # Of a causal mask the first rows have one entry or two, whatever the scores are. Where scores are so large
            # that weights underflow, hardly any row has several: then all are looked at.
            several = (weights > 0).sum(axis) >= ENTRIES
            rows = weights.amax(axis)
            if weights.shape[axis] < ENTRIES or rows.numel() < ROWS:
                return 0.0
            return float(rows[several].mean()) if int(several.sum()) >= ROWS else float(rows.mean())
    return 0.0
