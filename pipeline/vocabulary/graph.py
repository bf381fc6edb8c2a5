"""The graph that torch keeps behind a result: which results, and which weights, it was computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Nodes that are walked through.
NODES = 20_000
# Numbers of a weight that is copied to see whether it moves.
SMALL = 1 << 16


def nodes_behind(ends: Sequence[Any]) -> dict[Any, None] | None:
    """The nodes of the graph behind tensors, or behind other nodes; None where there are more than `NODES`.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> [type(node).__name__ for node in nodes_behind([weight.exp()])]
        ['ExpBackward0', 'AccumulateGrad']
    """
    waiting = [node for node in (getattr(one, "grad_fn", one) for one in ends) if node is not None]
    reached: dict[Any, None] = {}
    while waiting:
        node = waiting.pop()
        if node in reached:
            continue
        reached[node] = None
        if len(reached) > NODES:
            return None
        waiting += [one for one, _ in node.next_functions if one is not None]
    return reached


def node_of(tensor: Any) -> Any:
    """The node that a tensor comes from; None of one that was not computed, and where torch cannot say.

    That is so of a view made without gradients whose base was changed in place since: torch raises, whoever asks.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> node_of(weight) is None, node_of(weight * 2) is None
        (True, False)
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def operation_of(node: Any) -> str:
    """The operation that a node of the graph takes back, such as `Exp`.

    Example:
        >>> import torch
        >>> operation_of(torch.ones(2, requires_grad=True).exp().grad_fn)
        'Exp'
    """
    return type(node).__name__.partition("Backward")[0]


def weights_behind(end: Any) -> list[Any]:
    """The tensors that a backward pass from `end` gives a gradient; none where the graph is too large.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> weights_behind((weight * 3).sum())[0] is weight
        True
    """
    return [node.variable for node in nodes_behind([end]) or () if hasattr(node, "variable")]


class MovedByHand:
    """Tells of a training without an optimiser whether its weights move, and whether their gradients are cleared.

    Args:
        most: weights that are looked at, each of `SMALL` numbers or fewer; all of them where it is 0.

    Example:
        >>> import torch
        >>> weight, seen = torch.ones(2, requires_grad=True), MovedByHand()
        >>> for _ in range(2):
        ...     loss = (weight * 3).sum()
        ...     moved, kept = seen.look(loss)
        ...     loss.backward()
        ...     weight.data -= 0.1 * weight.grad
        >>> moved, [one is weight for one in kept]
        (True, [True])
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._before: list[tuple[Any, Any]] = []

    def look(self, loss: Any) -> tuple[bool, list[Any]]:
        """Before a backward pass: whether weights have moved since the last, and those of them with a gradient left."""
        moved = [weight for weight, old in self._before if bool((weight.detach() != old).any())]
        weights = weights_behind(loss)
        if self._most:
            weights = [weight for weight in weights if weight.numel() <= SMALL][: self._most]
        self._before = [(weight, weight.detach().clone()) for weight in weights]
        return bool(moved), [weight for weight in moved if weight.grad is not None and bool(weight.grad.any())]


# What changes the shape of a tensor, or the places of its numbers, and none of these; a number may be multiplied in.
SHAPES = ("View", "UnsafeView", "ReshapeAlias", "Permute", "T", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Clone")
VIEWS = (*SHAPES, "Slice", "Index", "Cat", "MaskedFill", "Mul", "Div", "ToCopy")
LENGTHS = ("LinalgVectorNorm", "Norm", "Sqrt")
# The largest cosine of two vectors of unit length, but for rounding.
LARGEST_COSINE = 1.05


def through_views(node: Any, *others: str) -> Any:
    """The first node behind this one that is more than another view of what it gets, or its product with a number.

    Args:
        node: None for none.
        others: further operations that are walked through.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, 3, requires_grad=True)
        >>> operation_of(through_views((2 * weight.exp().T).grad_fn))
        'Exp'
    """
    for _ in range(NODES):
        if node is None or operation_of(node) not in (*VIEWS, *others):
            return node
        behind = [one for one, _ in node.next_functions if one is not None]
        if len(behind) != 1:
            return node
        node = behind[0]
    return None


def number_in(node: Any) -> float | None:
    """The number that the result of a product or quotient was multiplied with, or divided by; None where that is none.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> number_in((weight / 4).grad_fn), number_in((weight * weight).grad_fn)
        (4.0, None)
    """
    behind = [place for place, (one, _) in enumerate(node.next_functions) if one is not None]
    number: Any = node._saved_other if behind == [0] else None
    return None if number is None or number.ndim else float(number)


def is_of_unit_length(node: Any) -> bool:
    """Whether a node comes from vectors that were divided by their lengths, with nothing but views behind.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, 3, requires_grad=True)
        >>> is_of_unit_length(torch.nn.functional.normalize(weight).T.grad_fn), is_of_unit_length((weight / 2).grad_fn)
        (True, False)
    """
    divided = through_views(node)
    if divided is None or operation_of(divided) != "Div":
        return False
    divisor = divided.next_functions[1][0]
    return divisor is not None and operation_of(through_views(divisor, "ClampMin", "Add")) in LENGTHS
