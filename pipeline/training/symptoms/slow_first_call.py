"""The first step takes many times as long as an ordinary one; never counted in speed."""

from __future__ import annotations

from pipeline.training.symptoms.symptom import Series, Symptom


def found(series: Series, threshold: float) -> bool:
    """The first step over an ordinary one exceeds the threshold."""
    ratios = series.get("symptom/slow_first_call", ())
    return bool(ratios) and ratios[-1] > threshold


SYMPTOM = Symptom(
    name="slow_first_call",
    measured="time of the first step / mean time of the others; recorded for every training",
    rule="over {threshold:g} times",
    threshold=20.0,
    points_at="warm-up of the device, compilation, a process's first training",
    cost="two readings of the clock",
    source="IdeaPad 720s - machine learning for the road",
    found=found,
)
