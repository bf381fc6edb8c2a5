"""A regression's examples come sorted by their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.loss_sides import REGRESSIONS
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

# Of neighbouring targets of a regression that differ, so many rise (or fall) where they are sorted; of the means of
# batches that follow each other, of which so many are looked at, so many. A series in time rises now and then.
SORTED, BATCHES_SORTED, BATCHES, LEAST_TARGETS = 0.98, 0.9, 12, 100


class OrderOfTargets(Check):
    name = "order_of_targets"
    looks_at = "whether the targets of a regression rise or fall all the way, over the first dozen training batches"
    cost = "the targets of these batches are kept"
    source = "Bottou, Stochastic Gradient Descent Tricks (2012); DeepFD, data not shuffled"
    expected = "examples with small and large targets mixed, in a new order in every epoch"
    remedy = "shuffle: DataLoader(…, shuffle=True), or torch.randperm before each epoch"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._targets: dict[str, list[Any]] = {}

    def loss(self, call: Loss) -> None:
        parts = self._targets.setdefault(call.place, [])
        if call.name not in REGRESSIONS or not call.training or call.number != len(parts) or len(parts) >= BATCHES:
            return
        target = call.target.detach()
        if target.ndim and target.numel() == len(target):
            parts.append(target.flatten().cpu())

    def end(self) -> None:
        for place, parts in self._targets.items():
            if len(parts) < BATCHES or sum(map(len, parts)) < LEAST_TARGETS or self.heard.acts:
                continue
            inside = [step for part in parts for step in (part[1:] - part[:-1]).tolist() if step]
            between = [float(last.mean() - first.mean()) for first, last in pairwise(parts)]
            one_way = max((-1, 1), key=lambda sign: _share(inside, sign))
            each, means = _share(inside, one_way), _share(between, one_way)
            if each >= SORTED and means >= BATCHES_SORTED:
                self.finds(
                    place,
                    f"the training examples come sorted by their targets: of {len(inside)} steps from one to the next "
                    f"within the first {BATCHES} batches {each:.0%} go one way, and from batch to batch {means:.0%}",
                )


def _share(steps: Sequence[float], sign: int) -> float:
    """The share of steps that go one way: up (1) or down (-1). The same batch again goes neither way."""
    return sum(step * sign > 0 for step in steps) / len(steps) if steps else 0.0
