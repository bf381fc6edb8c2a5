"""The first step takes many times as long as an ordinary one; never counted in speed."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Symptom, last_over

SYMPTOM = Symptom(
    name="slow_first_call",
    measured="time of the first step / mean time of the others; recorded for every training",
    rule="over {threshold:g} times",
    threshold=20.0,
    points_at="warm-up of the device, compilation, a process's first training",
    cost="two readings of the clock",
    source="IdeaPad 720s - machine learning for the road",
    found=last_over("slow_first_call"),
)
