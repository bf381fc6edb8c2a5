"""The loss of the first batch is far from that of an uninformed guess."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import Series, Symptom


def found(series: Series, threshold: float) -> bool:
    """Off by more than a share of the loss at chance."""
    ratios = series.get("symptom/wrong_first_loss", ())
    return bool(ratios) and not abs(ratios[0] - 1) <= threshold


SYMPTOM = Symptom(
    name="wrong_first_loss",
    measured="loss of the first batch / loss of the best answer that ignores the input",
    rule="off by more than {threshold:.0%}",
    threshold=0.5,
    points_at="read-out initialisation, scale of the inputs, encoding of the labels",
    cost="none: one number a training",
    source="Karpathy, A Recipe for Training Neural Networks (2019); CS231n",
    found=found,
)
