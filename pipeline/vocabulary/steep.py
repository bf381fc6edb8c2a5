"""Functions whose slope at 0 is infinite: there a gradient of 0 becomes one that is no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Names of torch's functions and methods; a power is one of them where its exponent lies between 0 and 1.
POWERS = ("pow", "__pow__")
STEEP = ("sqrt", "log", *POWERS)


def zeros_in(name: str, arguments: Sequence[Any]) -> int:
    """Of how many zeros that have a gradient a call takes a root or a logarithm.

    Args:
        name: of `STEEP`.
        arguments: of the call, by place.

    Example:
        >>> import torch
        >>> values = torch.tensor([0.0, 4.0], requires_grad=True)
        >>> zeros_in("sqrt", [values]), zeros_in("pow", [values, 0.5]), zeros_in("pow", [values, 2])
        (1, 1, 0)
    """
    if not arguments or not getattr(arguments[0], "requires_grad", False):
        return 0
    if name in POWERS and not (len(arguments) > 1 and isinstance(arguments[1], float) and 0 < arguments[1] < 1):
        return 0
    return int((arguments[0].detach() == 0).sum())
