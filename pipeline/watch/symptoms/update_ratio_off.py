"""Updates are far too large, or far too small, for the weights that they change."""

from __future__ import annotations

import math

from backtrack.watch.symptoms.symptom import Moment, Series, Symptom

# From the largest healthy ratio down to the smallest.
LARGEST, RANGE = 0.1, 1000.0


def at_step(moment: Moment) -> float | None:
    """Norm of the update over norm of the weights, of the matrix for which it lies farthest from the healthy middle."""
    ratios = [
        moment.updates[name] / moment.weights[name]
        for name in moment.matrices
        if moment.weights.get(name, 0) > 0 and name in moment.updates
    ]
    if not all(map(math.isfinite, ratios)):
        return math.inf
    middle = math.log(LARGEST / math.sqrt(RANGE))
    return max(ratios, key=lambda ratio: abs(math.log(max(ratio, 1e-12)) - middle)) if ratios else None


def found(series: Series, threshold: float) -> bool:
    """Outside in more than half of the sampled steps, the first (warm-up) left out."""
    values = series.get("symptom/update_ratio_off", ())[1:]
    outside = [value for value in values if not threshold / RANGE <= value <= threshold]
    return len(outside) > len(values) / 2


SYMPTOM = Symptom(
    name="update_ratio_off",
    measured="norm of the update / norm of the weights, of the matrix farthest from the middle of the range",
    rule="over {threshold:g} or under a thousandth of that, in more than half of the sampled steps",
    threshold=LARGEST,
    points_at="learning rate, optimiser, scale of the initial weights",
    cost="a copy and two norms a matrix at a sampled step",
    source="CS231n (about 1e-3 is healthy); Karpathy 2019",
    found=found,
    at_step=at_step,
)
