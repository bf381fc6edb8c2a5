"""What judges the model compares every prediction with every target, since their shapes only fit by broadcasting."""

from __future__ import annotations

from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Compared


class BroadcastMetric(Check):
    name = "broadcast_metric"
    looks_at = (
        "the shapes of whole numbers that are compared, and of differences whose size is taken, between a model's "
        "first passes without gradients and the next step"
    )
    cost = "a comparison of shapes, and of whole numbers once"
    source = "NumPy's rules of broadcasting; PyTorch forum: accuracy of (N, 1) predictions against (N,) labels"
    expected = "predictions and targets of one shape"
    remedy = "bring both to one shape before they are compared: prediction.squeeze(-1), or target.unsqueeze(-1)"
    of_judging = True

    def compared(self, call: Compared) -> None:
        left, right = call.left, call.right
        number = max(left)
        self.finds(
            call.place,
            f"tensors of shapes {left} and {right} are compared where the model is judged: each prediction with "
            f"every target, {number} times {number}",
        )
