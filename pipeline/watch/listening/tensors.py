"""The tensors of arguments and results of any structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Deeper structures than this are left alone.
DEEPEST = 4


def tensors_in(value: Any, depth: int = 0) -> list[Any]:
    """The tensors of a tuple, list, dict or packed sequence, in order."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if depth >= DEEPEST:
        return []
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return [value.data]
    if isinstance(value, Mapping):
        return [one for part in value.values() for one in tensors_in(part, depth + 1)]
    if isinstance(value, (tuple, list)):
        return [one for part in value for one in tensors_in(part, depth + 1)]
    return []


def plain_weights(module: Any) -> dict[str, Any]:
    """Tensors that want a gradient and are attributes of a module, but no parameters: `parameters()` leaves them out.

    Args:
        module: one module; its children are not looked at.
    """
    import torch

    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor) and value.requires_grad and value.is_leaf
    }


def is_loss(module: Any) -> bool:
    """Whether a module with parameters is a loss, and no model, by the name of its class."""
    return "loss" in type(module).__name__.lower()
