"""Training waits for its data."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Symptom, last_over

SYMPTOM = Symptom(
    name="starved_device",
    measured="time that the steps spent on fetching their batch / time of the steps, without the longest fetch",
    rule="over {threshold:.0%}",
    threshold=0.3,
    points_at="loader, batch size, device",
    cost="two readings of the clock a step",
    source="TheDeepChecker; PyTorch profiler's advice on data loading",
    found=last_over("starved_device"),
)
