"""Differences that are averaged before they are squared: errors of opposite sign cancel."""

from __future__ import annotations

from math import prod
from typing import Any

from backtrack.vocabulary.graph import operation_of
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Backward

# Backward passes that are looked at, and nodes behind the loss.
LOOKS, NODES = 3, 12
# What loses the sign of what it gets; functions of two numbers, which compare them by themselves, among these.
OF_TWO = ("MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
EVEN = ("Abs", *OF_TWO)
DIFFERENCES = ("Sub", "Rsub")
SUMS = ("Mean", "Sum")
# What may stand between without changing what is compared.
BETWEEN = ("Mul", "Div", "Neg", "Sqrt", "Squeeze", "Unsqueeze", "View", "Add")


class ErrorsCancel(Check):
    name = "errors_cancel"
    looks_at = "the graph behind a loss, at the first backward passes: whether a difference is squared, or its mean"
    cost = "a walk through a dozen nodes of the graph, three times"
    source = "Goodfellow, Bengio & Courville, Deep Learning (2016), section 5.1.4: the mean of squared errors"
    expected = "a loss that grows with each example's own error"
    remedy = "square each difference (or take its absolute value) before the mean: ((prediction - target) ** 2).mean()"

    def backward(self, call: Backward) -> None:
        if call.number >= LOOKS or call.loss.numel() != 1:
            return
        averaged = _averaged(call.loss.grad_fn)
        if averaged:
            self.finds(
                call.place,
                f"the loss is made of the mean of {averaged} differences and not of each: errors of opposite sign "
                "cancel, and every example gets the same gradient",
            )


def _averaged(node: Any) -> int:
    """How many signed differences are averaged before their sign is lost; 0 for any other loss."""
    even = difference = False
    for _ in range(NODES):
        if node is None:
            return 0
        name = operation_of(node)
        behind = [one for one, _ in node.next_functions if one is not None]
        if name in SUMS and (count := prod(getattr(node, "_saved_self_sym_sizes", ()))) > 1:
            # Of what is compared after it, a sum over some dimensions leaves many: a product of two rows, a pooling.
            difference = (difference and _leaves_one(node)) or (bool(behind) and operation_of(behind[0]) in DIFFERENCES)
            return int(count) if even and difference else 0
        exponent = getattr(node, "_saved_exponent", 1)
        squared = (name == "Pow" and isinstance(exponent, (int, float)) and exponent % 2 == 0) or (
            name == "Mul" and len(behind) == 2 and behind[0] is behind[1]
        )
        if not (squared or name in (*EVEN, *DIFFERENCES, *SUMS, *BETWEEN)) or len(set(behind)) != 1:
            return 0
        even = even or squared or name in EVEN
        difference = difference or name in (*DIFFERENCES, *OF_TWO)
        node = behind[0]
    return 0


def _leaves_one(node: Any) -> bool:
    """Whether a mean or sum is over all that there is, and not over some dimensions only."""
    sizes, over = getattr(node, "_saved_self_sym_sizes", ()), getattr(node, "_saved_dim", None)
    if over is None:
        return True
    # Dimensions that were counted from the last one are kept as what is left of 2 ** 64.
    gone = {(one - 2**64 if one >= 2**63 else one) % len(sizes) for one in over}
    return prod(size for place, size in enumerate(sizes) if place not in gone) == 1
