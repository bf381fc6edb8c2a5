"""What an optimiser holds, and when its options make another rule of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.optim import Optimizer


def ids_held_by(optimiser: Optimizer) -> set[int]:
    """The ids of the weights of all its groups.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> ids_held_by(torch.optim.SGD([weight], lr=0.1)) == {id(weight)}
        True
    """
    return {id(weight) for group in optimiser.param_groups for weight in group["params"]}


def are_exchanged(betas: Sequence[Any]) -> bool:
    """Whether the mean gradient is older than its mean square: Adam converges where β₁² < √β₂ (Kingma & Ba, 2015).

    Example:
        >>> are_exchanged((0.9, 0.999)), are_exchanged((0.999, 0.9)), are_exchanged(())
        (False, True, False)
    """
    return len(betas) == 2 and float(betas[0]) ** 2 >= float(betas[1]) ** 0.5
