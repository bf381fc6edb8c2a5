"""Weights that an optimiser has begun to move: what else changes them can be left out."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Training


def address_of(tensor: Any) -> int:
    """Where a tensor's numbers lie; 0 for one that has no memory of its own, as a sparse or a mapped one.

    Example:
        >>> import torch
        >>> address_of(torch.ones(2).to_sparse())
        0
    """
    try:
        return int(tensor.data_ptr())
    except (RuntimeError, NotImplementedError):
        return 0


def moved_weights(training: Training) -> Callable[[Any], bool]:
    """Says of a tensor whether it is, or shares its memory with, a weight that an optimiser has begun to move."""
    places: dict[int, Any] = {}

    def note(optimiser: Any) -> None:
        for group in optimiser.param_groups:
            places.update({address_of(weight): weakref.ref(weight) for weight in group["params"] if weight.numel()})

    def is_moved(tensor: Any) -> bool:
        if not tensor.is_leaf:
            return False
        # Where a weight is no more, its memory may be anybody's; `weight.data` is another tensor at the same place.
        place = address_of(tensor)
        weight = places.get(place, lambda: None)()
        return weight is not None and address_of(weight) == place

    training.at_step(before=note)
    return is_moved


def guarding(is_ours: Callable[[Any], bool], allows: Callable[[], bool]) -> Callable[[Any], Any]:
    """Makes, of a method that changes a tensor in place, one that leaves ours as they are where `allows()` says no.

    Example:
        >>> import torch
        >>> guarding(lambda tensor: True, lambda: False)(torch.Tensor.zero_)(torch.ones(1))
        tensor([1.])
    """

    def make(own: Any) -> Any:
        def change(tensor: Any, *arguments: Any, **options: Any) -> Any:
            return own(tensor, *arguments, **options) if not is_ours(tensor) or allows() else tensor

        return change

    return make
