"""Embeddings shrink to nothing or grow without bound."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Moment, Series, Symptom


def at_step(moment: Moment) -> float | None:
    """Mean norm of the rows of the embedding tables."""
    norms = list(moment.embeddings.values())
    return sum(norms) / len(norms) if norms else None


def found(series: Series, threshold: float) -> bool:
    """Last over first beyond the threshold, or under its inverse."""
    values = [value for value in series.get("symptom/changing_norms", series.get("norm", ())) if value > 0]
    return len(values) > 1 and not 1 / threshold <= values[-1] / values[0] <= threshold


SYMPTOM = Symptom(
    name="changing_norms",
    measured="mean norm of the embeddings' rows, last / first; of a black box what it reports as `norm`",
    rule="over {threshold:g} or under its inverse",
    threshold=10.0,
    points_at="L2 decay, norm restriction, loss",
    cost="one norm a row at a sampled step",
    source="The opposite of something",
    found=found,
    at_step=at_step,
)
