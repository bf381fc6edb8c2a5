"""Margins written by hand: labels of two signs times what a net says."""

from __future__ import annotations

from typing import Any

from backtrack.vocabulary.graph import operation_of

# Functions that a loss of margins ends in: `relu(1 - y * f)`, `softplus(-y * f)`.
MARGINS = ("relu", "clamp", "clamp_min", "maximum", "max", "softplus")
# What takes the product from a number, or turns its sign.
TURNED = ("Rsub", "Sub", "Neg")


def labels_in(margin: Any) -> Any:
    """The labels `y` that a margin such as `1 - y * f` was computed from, where no gradient reaches them; else None.

    Args:
        margin: what a function of `MARGINS` was called for.

    Example:
        >>> import torch
        >>> said, label = torch.ones(3, requires_grad=True), torch.tensor([0.0, 1.0, 1.0])
        >>> [labels_in(1 - label * said), labels_in(-label * said), labels_in(1 - 2 * said)]
        [tensor([0., 1., 1.]), tensor([0., 1., 1.]), None]
    """
    node, sign = getattr(margin, "grad_fn", None), -1
    if node is not None and operation_of(node) in TURNED:
        node, sign = node.next_functions[-1][0], 1
    if node is None or operation_of(node) != "Mul":
        return None
    factors = (node._saved_self, node._saved_other)
    known = [one for one in factors if one is not None and not one.requires_grad and one.numel() > 1]
    return sign * known[0] if len(known) == 1 else None


def zeros_for_signs(margin: Any) -> tuple[int, int] | None:
    """How many labels of a margin are 0, of how many, where each is 0 or 1 and both are there; else None.

    Example:
        >>> import torch
        >>> said = torch.ones(3, requires_grad=True)
        >>> [zeros_for_signs(1 - torch.tensor(labels) * said) for labels in ([0.0, 1.0, 1.0], [-1.0, 1.0, 1.0])]
        [(1, 3), None]
    """
    try:
        labels = labels_in(margin)
        if labels is None:
            return None
        zeros, ones = int((labels == 0).sum()), int((labels == 1).sum())
    except RuntimeError:
        # Inside of a `vmap` nobody may ask for a number; what was changed in place is not kept.
        return None
    return (zeros, labels.numel()) if zeros and ones and zeros + ones == labels.numel() else None
