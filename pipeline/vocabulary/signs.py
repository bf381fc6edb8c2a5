"""What a graph says of a result's sign: a distance is never negative, whatever a net does before it."""

from __future__ import annotations

from typing import Any

from backtrack.vocabulary.graph import SHAPES, number_in, operation_of

# Operations whose results are never negative, and those that give some of the numbers back that they get, or a mean.
NEVER_NEGATIVE = ("Relu", "Abs", "Exp", "Sqrt", "Softplus", "LinalgVectorNorm", "Norm", "Cdist", "MseLoss", "L1Loss")
KEEPING = (*SHAPES, "Alias", "Select", "Slice", "Index", "ToCopy", "Sum", "Mean", "Amax", "Amin", "Max", "Min")
# Nodes that are walked through.
DEPTH = 12


def sign_of(node: Any) -> tuple[int, str]:
    """The sign that a result has whatever it was computed from, and the operation that gives it that.

    Args:
        node: the result's, in the graph; None for none.

    Returns:
        1 where its numbers are never negative, -1 where they are never positive, else 0 (and no operation).

    Example:
        >>> import torch
        >>> weight = torch.ones(2, 3, requires_grad=True)
        >>> [sign_of(one.grad_fn) for one in ((weight - 1).pow(2).sum(1), -2 * weight.exp(), weight.sum())]
        [(1, 'Pow'), (-1, 'Exp'), (0, '')]
    """
    sign = 1
    for _ in range(DEPTH):
        name = "" if node is None else operation_of(node)
        behind = [] if node is None else node.next_functions
        if name in NEVER_NEGATIVE or (name == "Pow" and _is_even(node)) or (name == "Mul" and _is_square(behind)):
            return sign, name
        if name in ("Mul", "Div"):
            number = number_in(node) or 0.0
            sign *= (number > 0) - (number < 0)
        elif name == "Neg":
            sign = -sign
        elif name not in KEEPING:
            return 0, ""
        if not sign or not behind:
            return 0, ""
        node = behind[0][0]
    return 0, ""


def _is_even(power: Any) -> bool:
    exponent = getattr(power, "_saved_exponent", None)
    return isinstance(exponent, (int, float)) and exponent % 2 == 0


def _is_square(behind: Any) -> bool:
    """Whether both factors of a product are one and the same."""
    return len(behind) == 2 and behind[0][0] is not None and behind[0] == behind[1]
