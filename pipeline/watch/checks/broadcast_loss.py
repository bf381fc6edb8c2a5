"""The loss compares every prediction with every target, since their shapes only fit by broadcasting."""

from __future__ import annotations

from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Difference, Loss

ELEMENTWISE = {
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy_with_logits",
    "soft_margin_loss",
    "poisson_nll_loss",
}


class BroadcastLoss(Check):
    name = "broadcast_loss"
    looks_at = (
        "the shapes of a loss function's arguments, and of differences of outputs and targets, in the first steps"
    )
    cost = "a comparison of shapes"
    source = (
        "torch's own warning `Using a target size … different to the input size`; Stack Overflow 67277000 and others"
    )
    expected = "output and target have the same shape"
    remedy = "bring both to one shape: output.squeeze(-1), or target.unsqueeze(-1)"

    def difference(self, call: Difference) -> None:
        self.finds(
            call.place,
            f"a difference of tensors of shapes {call.left} and {call.right} has the shape {call.shape}: each "
            "prediction is compared with every target",
        )

    def loss(self, call: Loss) -> None:
        if call.name not in ELEMENTWISE or call.number > 3 or not call.training:
            return
        output, target = tuple(call.output.shape), tuple(call.target.shape)
        if output != target and call.target.numel() > 1 and call.output.numel() > 1 and max(*output, *target) > 1:
            self.finds(
                call.place,
                f"{call.name} gets an output of shape {output} and a target of shape {target}, and "
                "compares all with all",
            )
