"""Which axis counts the steps of what a model with attention gets."""

from __future__ import annotations

from typing import Any

# Modules in which every step may attend to every other one.
ATTENTION = "MultiheadAttention"


def is_batch_first(model: Any) -> bool:
    """Whether torch's attention inside a model gets examples first; so where it has none, as most people write it.

    Example:
        >>> from torch import nn
        >>> is_batch_first(nn.MultiheadAttention(4, 2)), is_batch_first(nn.Linear(4, 2))
        (False, True)
    """
    return all(module.batch_first for module in model.modules() if type(module).__name__ == ATTENTION)


def patch_layer(model: Any) -> Any:
    """The first convolution of a model, where it cuts pictures into patches that do not overlap; None otherwise.

    Example:
        >>> from torch import nn
        >>> patch_layer(nn.Sequential(nn.Conv2d(1, 8, 4, stride=4))).kernel_size, patch_layer(nn.Conv2d(1, 8, 3))
        ((4, 4), None)
    """
    first = next((module for module in model.modules() if type(module).__name__ == "Conv2d"), None)
    if first is None or first.kernel_size != first.stride or max(first.kernel_size) == 1 or first.padding != (0, 0):
        return None
    return first
