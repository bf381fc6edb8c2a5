"""Now and then the gradient is far larger than usual, or it is not finite."""

from __future__ import annotations

import math
from statistics import median

from backtrack.watch.symptoms.symptom import Moment, Series, Symptom


def at_step(moment: Moment) -> float | None:
    """Norm of the whole gradient, before clipping."""
    return math.sqrt(sum(norm**2 for norm in moment.gradients.values())) if moment.gradients else None


def found(series: Series, threshold: float) -> bool:
    """A value that is not finite, or one that exceeds the median of those before it so many times."""
    values = series.get("symptom/exploding_gradient", ())
    if not all(map(math.isfinite, values)):
        return True
    return any(values[n] > threshold * median(values[:n]) > 0 for n in range(1, len(values)))


SYMPTOM = Symptom(
    name="exploding_gradient",
    measured="norm of the whole gradient before clipping, sampled steps",
    rule="over {threshold:g} times the median of the sampled steps before, or not finite",
    threshold=70.0,
    points_at="learning rate, recurrent initialisation, no clipping",
    cost="one norm a parameter at a sampled step",
    source="AUTOTRAINER (Zhang et al., ICSE 2021); Pascanu, Mikolov, Bengio (ICML 2013)",
    found=found,
    at_step=at_step,
)
