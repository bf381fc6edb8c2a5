"""Hardly any negative has a loss: there is nothing to learn from."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Symptom, last_under

SYMPTOM = Symptom(
    name="no_active_negatives",
    measured="share of negatives with a loss, which the task reports as `active`",
    rule="under {threshold:.0%} in the last report",
    threshold=0.05,
    points_at="source of the negatives, margin, number",
    cost="none: read from the task's own reports",
    source="The opposite of something; Schroff et al., FaceNet (CVPR 2015)",
    found=last_under("no_active_negatives", "active"),
)
