"""The validation loss rises while the training loss still falls."""

from __future__ import annotations

from backtrack.watch.symptoms.symptom import TRAINING_LOSSES, VALIDATION_LOSSES, Series, Symptom, said


def found(series: Series, threshold: float) -> bool:
    """The last validation loss over the best one, with a training loss that fell between the two."""
    valid, losses = said(series, VALIDATION_LOSSES), said(series, TRAINING_LOSSES)
    if len(valid) < 2 or len(losses) < 2 or not min(valid) > 0:
        return False
    best = min(range(len(valid)), key=valid.__getitem__)
    # Losses are recorded several times between two validations.
    at_best = losses[max(0, (best + 1) * len(losses) // len(valid) - 1)]
    return valid[-1] > (1 + threshold) * valid[best] and losses[-1] < at_best


SYMPTOM = Symptom(
    name="overfitting",
    measured="last validation loss / best validation loss",
    rule="over by more than {threshold:.0%} while the training loss fell",
    threshold=0.1,
    points_at="decay, size of the model, number of epochs",
    cost="none: read from the curves of the losses",
    source="SageMaker Debugger's rules",
    found=found,
    effect=True,
)
