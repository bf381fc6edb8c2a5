"""Inputs that a model is judged by lie on another scale than those it is trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Heard, Pass

if TYPE_CHECKING:
    from torch import Tensor

# Examples of each side at least; how many deviations of the training inputs the others lie off, or how many times wider
# or narrower they are, in this share of the features.
EXAMPLES, OFF, TIMES, SOME = 16, 6.0, 6.0, 0.25
# Features whose deviation is less than this share of their size, and of the largest deviation, tell nothing.
LEAST_DEVIATION = 1e-3
FEATURES = 2


class ValidationInputs(Check):
    name = "validation_inputs"
    looks_at = "mean and deviation of a model's first inputs, in its first passes with gradients against those without"
    cost = "two reductions a pass, in the first passes of each kind"
    source = "scikit-learn documentation, Common pitfalls: inconsistent preprocessing"
    expected = "inputs on one scale in training and in validation"
    remedy = (
        "prepare the validation inputs as the training inputs: the same division, the training set's mean and deviation"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[tuple[int, bool], list[Tensor]] = {}

    def passed(self, call: Pass) -> None:
        values = call.given
        if not values.is_floating_point() or values.ndim < FEATURES or (not call.gradients and not call.model.trained):
            return
        seen = self._seen.setdefault((id(call.model), call.gradients), [])
        if seen and seen[0].shape[1:] != values.shape[1:]:
            return
        seen.append(values.detach().float())
        if not call.gradients and not self.heard.acts:
            self._compare(call, self._seen.get((id(call.model), True), []), seen)

    def _compare(self, call: Pass, training: list[Tensor], judged: list[Tensor]) -> None:
        if not training or min(sum(len(one) for one in side) for side in (training, judged)) < EXAMPLES:
            return
        if training[0].shape[1:] != judged[0].shape[1:] or training[0].device != judged[0].device:
            return
        mean, deviation = _moments(training)
        other, width = _moments(judged)
        # A feature that hardly changes in a few training batches, as a rare word does, tells nothing.
        tell = deviation > LEAST_DEVIATION * (mean.abs() + deviation.max())
        if not bool(tell.any()):
            return
        off = ((other - mean).abs() / deviation)[tell].quantile(1 - SOME)
        times = (width / deviation)[tell]
        wide, narrow = float(times.quantile(1 - SOME)), float(times.quantile(SOME))
        if float(off) > OFF or wide > TIMES or narrow < 1 / TIMES:
            self.finds(
                call.place,
                f"in a quarter of the features, the inputs without gradients lie {float(off):.3g} deviations or more "
                f"off the training inputs, or are {max(wide, 1 / max(narrow, 1e-9)):.3g} times as wide or as narrow",
            )


def _moments(batches: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each feature; of all numbers together where an example has more than one dimension."""
    rows = [one if one.ndim == FEATURES else one.reshape(-1, 1) for one in batches]
    count = sum(len(one) for one in rows)
    mean = sum((one.sum(0) for one in rows), start=rows[0].new_zeros(rows[0].shape[1])) / count
    square = sum(((one - mean).square().sum(0) for one in rows), start=rows[0].new_zeros(rows[0].shape[1])) / count
    return mean, square.sqrt()
