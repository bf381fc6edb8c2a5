"""Steps that hardly move the weights, or that replace them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor

# Update over weight, of the matrix that moves most and of the one that moves least. About 1e-3 is healthy.
TINY, HUGE = 1e-6, 0.5
# Steps that have to show it, from which step on, and matrices that are looked at.
LOOKS, FROM, MATRICES = 5, 5, 12


class StepSize(Check):
    name = "step_size"
    looks_at = "norm of the update over norm of the weights, of each matrix at close steps after the fifth"
    cost = "a copy and two norms a matrix at a close step"
    source = "CS231n: the ratio of updates to weights should be around 1e-3"
    expected = "updates of a ten-thousandth to a tenth of the weights"
    remedy = "change the learning rate, and look at gradient clipping and weight decay, which also set the step"
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._before: dict[int, list[tuple[Tensor, Tensor]]] = {}
        self._ratios: dict[int, list[tuple[float, float]]] = {}

    def before_step(self, step: Step) -> None:
        if not step.close or step.number < FROM or len(self._ratios.get(id(step.heard), [])) >= 4 * LOOKS:
            return
        moved = [
            one for one in step.heard.parameters if one.ndim >= 2 and one.grad is not None and not one.grad.is_sparse
        ]
        self._before[id(step.heard)] = [
            (one, one.detach().clone()) for one in moved[:MATRICES] if one.numel() < 1 << 22
        ]

    def after_step(self, step: Step) -> None:
        key = id(step.heard)
        kept = self._before.pop(key, [])
        sizes = [float(old.norm()) for _, old in kept]
        ratios = [float((weight - old).norm()) / size for (weight, old), size in zip(kept, sizes, strict=True) if size]
        if not ratios or max(ratios) == 0:
            # Weights that do not move at all are another check's.
            return
        looks = self._ratios.setdefault(key, [])
        looks.append((min(ratios), max(ratios)))
        if len(looks) < LOOKS:
            return
        least, most = (median(column) for column in zip(*looks, strict=True))
        rates = step.heard.rates_now
        place = step.heard.place
        if most < TINY:
            self.finds(place, f"a step changes no matrix by more than {most:.1e} of its size (learning rate {rates})")
        elif least > HUGE:
            self.finds(place, f"a step changes every matrix by {least:.0%} of its size or more (learning rate {rates})")
