"""Which of several numbers is the largest, asked along a dimension that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Functions that say which it is. (The values of `max` may be all that is wanted of it.)
LARGEST = ("argmax", "max")


def dimension_of(arguments: Sequence[Any], options: Mapping[str, Any]) -> int | None:
    """The dimension along which the largest is asked; None where that is no number, as for the largest of two tensors.

    Args:
        arguments, options: of `argmax` or `max`, the tensor first.

    Example:
        >>> import torch
        >>> dimension_of((torch.rand(8, 2),), {"dim": -1}), dimension_of((torch.rand(8), torch.rand(8)), {})
        (-1, None)
    """
    dim = arguments[1] if len(arguments) > 1 else options.get("dim")
    return dim if type(dim) is int else None


def asked_of_one(arguments: Sequence[Any], options: Mapping[str, Any]) -> int | None:
    """The dimension of one number along which the largest of a batch of several examples is asked; None for another.

    Args:
        arguments, options: of `argmax` or `max`, the tensor first.

    Example:
        >>> import torch
        >>> asked_of_one((torch.rand(8, 1), 1), {}), asked_of_one((torch.rand(8, 1),), {"dim": -1})
        (1, 1)
        >>> asked_of_one((torch.rand(8, 2), 1), {}), asked_of_one((torch.rand(8, 1),), {})
        (None, None)
        >>> asked_of_one((torch.rand(1, 2), 0), {})
    """
    given: Any = arguments[0] if arguments else None
    dim = dimension_of(arguments, options)
    if dim is None or not hasattr(given, "is_floating_point") or not given.is_floating_point():
        return None
    # A batch of one example may be brought to a vector so.
    several = given.ndim > 1 and given.shape[0] > 1
    return dim % given.ndim if several and given.shape[dim] == 1 else None
