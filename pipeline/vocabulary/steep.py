"""Functions whose slope at 0 is infinite: there a gradient of 0 becomes one that is no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Names of torch's functions and methods; a power is one of them where its exponent lies between 0 and 1.
LOG, POWERS = "log", ("pow", "__pow__")
STEEP = ("sqrt", LOG, *POWERS)
# What is added to a root's argument, and what a logarithm's is at least: it would still be too steep at the former.
SMALL, LEAST = 1e-9, 1e-6


def is_steep(name: str, arguments: Sequence[Any]) -> bool:
    """Whether a call takes a root or a logarithm of what has a gradient.

    Args:
        name: of `STEEP`.
        arguments: of the call, by place.

    Example:
        >>> import torch
        >>> values = torch.ones(2, requires_grad=True)
        >>> [is_steep("sqrt", [values]), is_steep("pow", [values, 0.5]), is_steep("pow", [values, 2])]
        [True, True, False]
    """
    if not arguments or not getattr(arguments[0], "requires_grad", False):
        return False
    return name not in POWERS or (len(arguments) > 1 and isinstance(arguments[1], float) and 0 < arguments[1] < 1)


def zeros_in(name: str, arguments: Sequence[Any]) -> int:
    """Of how many zeros such a call takes it; what is hardly more than 0 has no finite slope either.

    Of a sparse tensor, and inside of a `vmap`, nothing is known: 0.

    Example:
        >>> import torch
        >>> zeros_in("log", [torch.tensor([0.0, 1e-42, 4.0], requires_grad=True)])
        2
    """
    if not is_steep(name, arguments):
        return 0
    try:
        # Below the smallest number with all of its digits.
        return int((arguments[0].detach().abs() < 2.0**-126).sum())
    except RuntimeError:
        # A sparse tensor has no such comparison, and inside of a `vmap` nobody may ask for a number.
        return 0
