"""Nearly every example gets the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtrack.watch.symptoms.symptom import Look, Symptom, last_under

if TYPE_CHECKING:
    from torch import Tensor


def at_look(look: Look) -> float | None:
    """Entropy of the predicted classes over that of the labels."""
    outputs, targets = look.outputs, look.targets
    if outputs.ndim != 2 or targets.ndim != 1 or targets.is_floating_point() or outputs.shape[1] < 2:
        return None
    # Targets that a loss leaves out, as padding, have the number of no class.
    counted = targets >= 0
    if len(outputs) != len(targets) or not counted.any():
        return None
    predicted, labels = (_entropy(each[counted], outputs.shape[1]) for each in (outputs.argmax(1), targets))
    return predicted / labels if labels > 0 else None


def _entropy(classes: Tensor, number: int) -> float:
    shares = classes.bincount(minlength=number).float() / len(classes)
    return float(-(shares * shares.clamp_min(1e-12).log()).sum())


SYMPTOM = Symptom(
    name="collapsed_predictions",
    measured="entropy of the predicted classes / entropy of the labels",
    rule="under {threshold:.0%} at the last look",
    threshold=0.1,
    points_at="loss, learning rate, negatives, labels that do not belong to their inputs",
    cost="one count of the predictions a look",
    source="SageMaker Debugger's rules (class imbalance of predictions)",
    found=last_under("collapsed_predictions"),
    at_look=at_look,
    effect=True,
)
