"""A loss is computed for each batch, and only the last of them is trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.graph import node_of, nodes_behind
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Loss

# Losses that are computed for each one that is trained on, at least: the hardest of a few batches may be meant.
TIMES = 8
# Backward passes of which that is so, from the first on: a loop that only looks may come before them.
ROWS = 2


@dataclass
class _Waiting:
    """Losses at one place since the last backward pass, and where the newest came from."""

    losses: int = 0
    newest: Any = None


class UnusedLosses(Check):
    name = "unused_losses"
    looks_at = (
        "how many losses with a pass of their own come before each of the first two backward passes, and how many of "
        "them it takes up"
    )
    cost = "the graph behind the first two losses that are trained on is walked through"
    source = "Python documentation, indentation; PyTorch forum: loss.backward() outside of the loop over batches"
    expected = "a backward pass for each batch's loss"
    remedy = "put zero_grad(), loss.backward() and step() into the loop over batches, behind the loss"
    more_exact_than = ("gradients_cleared_unused",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._waiting: dict[str, _Waiting] = {}
        self._passes = self._rows = 0

    def loss(self, call: Loss) -> None:
        if not call.training or self.heard.backwards > ROWS:
            return
        waiting = self._waiting.setdefault(call.place, _Waiting())
        waiting.losses += 1
        waiting.newest = node_of(call.value)

    def backward(self, call: Backward) -> None:
        passes, self._passes = self.heard.forwards - self._passes, self.heard.forwards
        waiting, self._waiting = self._waiting, {}
        # What asks for gradients in another way has used what is computed meanwhile.
        if call.number != self._rows or call.number >= ROWS or self.heard.asked:
            return
        behind = nodes_behind([call.loss]) or {}
        for place, one in waiting.items():
            if one.newest not in behind or passes < one.losses:
                continue
            used = sum(type(node) is type(one.newest) for node in behind)
            if one.losses >= TIMES * used:
                self._rows += 1
                if self._rows == ROWS:
                    self.finds(
                        place or "the loss",
                        f"of {one.losses} losses, each of a batch of its own, a backward pass takes up {used}: "
                        "the others train nothing",
                    )
                return
