"""Sees where a program takes a largest number, a softmax or the like over a dimension that may not be the one meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.reduced_dimension import MOST, at_reductions, other_dimension
from backtrack.trial.intervening.training import HookedTraining


def count_reductions(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Notes such calls of what has a gradient in the anatomy, each line's once, while `is_early()`."""
    found, torch = training.anatomy.reductions, training.torch

    def note(function: str, place: str, input: Any, dim: int) -> None:
        # The columns of a weight matrix may well be what has one length.
        learns = input.requires_grad and torch.is_grad_enabled() and not isinstance(input, torch.nn.Parameter)
        if not learns or len(found) == MOST or not is_early() or any(one["place"] == place for one in found):
            return
        other = other_dimension(function, tuple(input.shape), dim)
        if other is not None:
            found.append({"function": function, "place": place, "dim": dim, "other": other, "axes": input.ndim})

    at_reductions(training, note)
