"""Optimisers that live and hold weights: one is heard at its steps alone, and some make none."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backtrack.vocabulary.optimisers import ids_held_by

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


def holders_of(weights: Iterable[Tensor]) -> Sequence[Optimizer]:
    """Every optimiser that lives and holds one of these weights or more, in no order. It looks at all objects: rarely.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> optimiser = torch.optim.SGD([weight], lr=0.1)
        >>> holders_of([weight]) == [optimiser], holders_of([torch.ones(2)])
        (True, [])
    """
    from torch.optim import Optimizer

    asked = {id(weight) for weight in weights}
    return [
        one
        for one in gc.get_objects()
        # Not isinstance, which asks proxies what they stand for.
        if issubclass(type(one), Optimizer) and asked & ids_held_by(one)
    ]
