"""Weights of a loss that make a rare class count less than a frequent one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

CLASSES, BINARY = {"cross_entropy", "nll_loss"}, "binary_cross_entropy_with_logits"
# Targets and calls that are counted at least; so many times as frequent is unequal, and so many times as heavy matters.
TARGETS, CALLS, UNEQUAL, HEAVIER = 128, 4, 3.0, 2.0


@dataclass
class _Seen:
    """Targets of each class at one place, and what each class weighs."""

    name: str
    calls: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)


class InvertedClassWeights(Check):
    name = "inverted_class_weights"
    looks_at = "how often each class is a target, and what it weighs in the loss, at the loss's first calls"
    cost = "a count of targets at these calls"
    source = "King & Zeng, Logistic regression in rare events data (2001); PyTorch documentation of pos_weight"
    expected = "rare classes that weigh as much as frequent ones, or more"
    remedy = "weights are one over the frequency: pos_weight is negatives / positives"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, _Seen] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or call.exchanged:
            return
        weights = _weights_of(call)
        if weights is None:
            return
        seen = self._seen.setdefault(call.place, _Seen(call.name))
        seen.calls += 1
        seen.weights = weights
        values, counts = call.target.detach().long().unique(return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            seen.counts[value] = seen.counts.get(value, 0) + count

    def end(self) -> None:
        for place, seen in self._seen.items():
            # A class of weight 0 is left out on purpose.
            counts = {one: count for one, count in seen.counts.items() if seen.weights.get(one, 0.0) > 0}
            if seen.calls < CALLS or sum(counts.values()) < TARGETS or len(counts) < 2:
                continue
            rare, frequent = min(counts, key=lambda one: counts[one]), max(counts, key=lambda one: counts[one])
            if counts[frequent] >= UNEQUAL * counts[rare] and seen.weights[frequent] >= HEAVIER * seen.weights[rare]:
                self.finds(
                    place,
                    f"class {rare} is {counts[rare]} of {sum(counts.values())} targets and weighs "
                    f"{seen.weights[rare]:.3g} in {seen.name}; class {frequent} is {counts[frequent]} of them and "
                    f"weighs {seen.weights[frequent]:.3g}",
                )


def _weights_of(call: Loss) -> dict[int, float] | None:
    """What each class weighs in the loss; None where nothing was weighed, or an example has several labels."""
    if call.name in CLASSES and not call.target.is_floating_point():
        weights: Any = call.options.get("weight")
        return None if weights is None else dict(enumerate(weights.flatten().tolist()))
    positive = call.options.get("pos_weight") if call.name == BINARY else None
    # Of several labels an example has, most are 0, and that says nothing.
    if positive is None or positive.numel() != 1 or call.target.numel() != len(call.target):
        return None
    return {0: 1.0, 1: float(positive)}
