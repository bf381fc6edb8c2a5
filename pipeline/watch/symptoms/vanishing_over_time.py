"""Of a sequence, only one end gets gradient."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Moment, Symptom, median_under


def at_step(moment: Moment) -> float | None:
    """Gradient norm by the input: mean over the weaker end's quarter of the time steps, over that of the stronger."""
    quarter = len(moment.over_time) // 4
    if not quarter:
        return None
    ends = sorted(sum(part) / quarter for part in (moment.over_time[:quarter], moment.over_time[-quarter:]))
    return ends[0] / ends[1] if ends[1] > 0 else None


SYMPTOM = Symptom(
    name="vanishing_over_time",
    measured="gradient norm by the recurrent layer's input, weaker end's quarter of the steps / stronger end's",
    rule="median over the sampled steps under {threshold:g}",
    threshold=1e-5,
    points_at="cell, length, reading order, read-out, recurrent initialisation",
    cost="one norm a time step at a sampled step",
    source="Pascanu, Mikolov, Bengio (ICML 2013)",
    found=median_under("vanishing_over_time"),
    at_step=at_step,
)
