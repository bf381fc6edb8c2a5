"""What judges the model asks whether numbers between the labels equal labels: none ever does."""

from __future__ import annotations

from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Unequal


class ContinuousPredictions(Check):
    name = "continuous_predictions"
    looks_at = (
        "the values of numbers that are compared with whole ones (==), between a model's first passes without "
        "gradients and the next step"
    )
    cost = "a rounding of what is compared, two dozen times"
    source = "scikit-learn documentation of accuracy_score: class labels, and an error for continuous predictions"
    expected = "predicted labels"
    remedy = (
        "compare labels with labels: outputs.argmax(1) (of max(1), the second of the two that it returns), or "
        "outputs > 0.5, or > 0 without a sigmoid"
    )
    of_judging = True

    def unequal(self, call: Unequal) -> None:
        self.finds(
            call.place,
            f"numbers such as {call.example:.4g} are asked whether they are labels such as {call.label:.4g} where the "
            "model is judged: none of them is whole, and none ever does",
        )
