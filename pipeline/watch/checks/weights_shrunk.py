"""Weights that are made smaller between an optimiser's steps, by so much that nothing stays: a decay by hand."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard, OptimiserHeard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor

# First steps of each optimiser that are followed; pairs of them that are needed, and how many of these shrink.
STEPS, LEAST, MOST = 50, 20, 0.9
# Where so many do not, too few can: nothing more is looked at.
WHOLE = round((1 - MOST) * STEPS) + 1
# A factor below this one, and how much of what changes it leaves unexplained.
FACTOR, LEFT = 0.98, 0.05
# Weights that are brought to one length each time are restricted, and do not lose all: by how much that may differ.
LENGTH = 0.002


class WeightsShrunk(Check):
    name = "weights_shrunk"
    looks_at = "whether weights are multiplied by a factor between one step and the next, over the first fifty steps"
    cost = (
        "a copy of three small weight matrices at each of the first fifty steps, until it is known that most are "
        "not followed by it"
    )
    source = "Loshchilov & Hutter, Decoupled weight decay regularization (2019): the decay is scaled by the rate"
    expected = "weights that only the optimiser moves, or that lose less than two hundredths from step to step"
    remedy = "look for what multiplies the weights after each step; a decay by hand is 1 - lr * decay, not 1 - decay"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._after: dict[int, tuple[int, list[tuple[Tensor, Tensor]]]] = {}
        # Of each optimiser: the factor between each two steps, and how long its weights were then.
        self._factors: dict[int, list[tuple[float, float]]] = {}

    def after_step(self, step: Step) -> None:
        whole = sum(factor >= FACTOR for factor, _ in self._factors.get(id(step.heard), ()))
        if step.number <= STEPS and whole < WHOLE:
            self._after[id(step.heard)] = (step.number, step.copies)

    def before_step(self, step: Step) -> None:
        number, kept = self._after.pop(id(step.heard), (0, []))
        if number and number == step.number - 1:
            self._factors.setdefault(id(step.heard), []).append(_factor(kept))

    def end(self) -> None:
        for heard in self.heard.optimisers:
            pairs = self._factors.get(id(heard), [])
            shrunk = [(factor, length) for factor, length in pairs if factor < FACTOR]
            if len(pairs) < LEAST or len(shrunk) < MOST * len(pairs):
                continue
            lengths = [length for _, length in shrunk]
            if max(lengths) - min(lengths) > LENGTH * max(lengths):
                self._tell(heard, median(factor for factor, _ in shrunk), len(pairs))

    def _tell(self, heard: OptimiserHeard, factor: float, pairs: int) -> None:
        names = joined([self.heard.name_of(one) for one in heard.parameters if one.ndim > 1])
        self.finds(
            names,
            f"between one step of {type(heard.optimiser).__name__} and the next its weights are multiplied by "
            f"{factor:.3g}, in the middle of {pairs} pairs of steps",
        )


def _factor(kept: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """What weights were multiplied by since, 1 where they stayed or changed in another way; and how long they are."""
    length = sum(float(one.detach().square().sum()) for one, _ in kept) ** 0.5
    size = sum(float(old.square().sum()) for _, old in kept)
    if not size > 0:
        return 1.0, length
    factor = sum(float((one.detach() * old).sum()) for one, old in kept) / size
    left = sum(float((one.detach() - factor * old).square().sum()) for one, old in kept)
    changed = sum(float((one.detach() - old).square().sum()) for one, old in kept)
    return factor if changed > 0 and left <= LEFT * changed else 1.0, length
