"""The first layer gets hardly any gradient, compared with the last."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Moment, Symptom, median_under


def at_step(moment: Moment) -> float | None:
    """Gradient norm of the first weight matrix over that of the last."""
    known = [name for name in moment.matrices if name in moment.gradients]
    if len(known) < 2 or not moment.gradients[known[-1]] > 0:
        return None
    return moment.gradients[known[0]] / moment.gradients[known[-1]]


SYMPTOM = Symptom(
    name="vanishing_gradient",
    measured="gradient norm of the first weight matrix / of the last, sampled steps",
    rule="median under {threshold:g}",
    threshold=1e-3,
    points_at="initialisation, cell, depth",
    cost="one norm a parameter at a sampled step",
    source="AUTOTRAINER (Zhang et al., ICSE 2021)",
    found=median_under("vanishing_gradient"),
    at_step=at_step,
)
