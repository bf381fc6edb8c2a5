"""The first layer gets hardly any gradient, compared with the last."""

from __future__ import annotations

from statistics import median

from pipeline.training.symptoms.symptom import Moment, Series, Symptom


def at_step(moment: Moment) -> float | None:
    """Gradient norm of the first weight matrix over that of the last."""
    known = [name for name in moment.matrices if name in moment.gradients]
    if len(known) < 2 or not moment.gradients[known[-1]] > 0:
        return None
    return moment.gradients[known[0]] / moment.gradients[known[-1]]


def found(series: Series, threshold: float) -> bool:
    """The median over the sampled steps lies under the threshold."""
    values = series.get("symptom/vanishing_gradient", ())
    return bool(values) and median(values) < threshold


SYMPTOM = Symptom(
    name="vanishing_gradient",
    measured="gradient norm of the first weight matrix / of the last, sampled steps",
    rule="median under {threshold:g}",
    threshold=1e-3,
    points_at="initialisation, cell, depth",
    cost="one norm a parameter at a sampled step",
    source="AUTOTRAINER (Zhang et al., ICSE 2021)",
    found=found,
    at_step=at_step,
)
