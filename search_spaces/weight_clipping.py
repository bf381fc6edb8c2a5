"""Weights that a program clips after each step, as the critic of a Wasserstein GAN wants it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Intervention, Training

# Methods that clip a tensor in place.
CLIPS = ("clamp_", "clamp_min_", "clamp_max_", "clip_")
SEEN = "weights clipped"


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
        # Where a weight is no more, its memory may be anybody's; `weight.data` is another tensor at the same place.
        place = address_of(tensor)
        weight = places.get(place, lambda: None)()
        return weight is not None and address_of(weight) == place

    training.at_step(before=note)
    return is_moved


def at_clipping(training: Training, clips: Callable[[], bool]) -> None:
    """Asks `clips()` where a program clips weights that an optimiser moves: where it says no, they stay as they are."""
    is_moved = moved_weights(training)

    def make(own: Any) -> Any:
        def clip(tensor: Any, *bounds: Any, **named: Any) -> Any:
            # A step's own arithmetic clips no weights.
            ours = tensor.is_leaf and is_moved(tensor)
            return own(tensor, *bounds, **named) if not ours or clips() else tensor

        return clip

    for name in CLIPS:
        training.replace(training.torch.Tensor, name, make)


WEIGHT_CLIPPING = Intervention(
    "weight_clipping",
    what="weights that the program clips after its steps (p.data.clamp_) stay as the optimiser made them",
    source="Arjovsky, Chintala & Bottou, Wasserstein GAN (2017): clipping as a constraint, and what it costs",
    levels=lambda anatomy: {"off": "leave clamp_ of the weights out"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_clipping(training, lambda: False),
    cannot="weights that are clipped into a new tensor, and set by copy_ or .data =",
)
