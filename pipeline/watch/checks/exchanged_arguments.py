"""A loss whose two arguments change places: the labels stand where the outputs belong."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

# Calls that have to show it.
CALLS = 2


class ExchangedArguments(Check):
    name = "exchanged_arguments"
    looks_at = "which of a loss's two arguments has a gradient, where the two are no equals"
    cost = "nothing; a sum over each row for kl_div"
    source = "PyTorch documentation of cross_entropy, binary_cross_entropy and KLDivLoss: input first, then target"
    expected = "the net's outputs first, then the labels"
    remedy = "give the outputs first and the labels second: loss(outputs, labels)"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, int] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or not call.exchanged:
            return
        self._seen[call.place] = self._seen.get(call.place, 0) + 1
        if self._seen[call.place] == CALLS:
            self.finds(
                call.place,
                f"{call.name} gets what the net computes as its target, and as its output what no net has made",
            )
