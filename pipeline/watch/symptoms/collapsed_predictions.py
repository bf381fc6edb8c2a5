"""Nearly every example gets the same answer."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from backtrack.watch.symptoms.symptom import Look, Symptom, last_under

if TYPE_CHECKING:
    from torch import Tensor


def at_look(look: Look) -> float | None:
    """Entropy of the predicted classes over that of the labels."""
    outputs, targets = look.outputs, look.targets
    if outputs.ndim != 2 or targets.ndim != 1 or targets.is_floating_point() or outputs.shape[1] < 2:
        return None
    if not len(targets) == len(outputs) > 0:
        return None
    predicted = outputs.argmax(1)
    # Targets that a loss leaves out, as padding, have the number of no class.
    counted = targets >= 0
    if not counted.all():
        predicted, targets = predicted[counted], targets[counted]
    entropy = _entropy(targets)
    return _entropy(predicted) / entropy if entropy > 0 else None


def _entropy(classes: Tensor) -> float:
    """Of a handful of classes: counted at once, the rest by hand, since each call of torch's costs more than all."""
    shares = [count / len(classes) for count in classes.bincount().tolist() if count]
    return -sum(share * log(share) for share in shares)


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
