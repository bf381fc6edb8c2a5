"""Sees where a program takes a largest number, a softmax or the like over a dimension that may not be the one meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.reduced_dimension import MOST, at_reductions, other_dimension
from backtrack.trial.intervening.training import HookedTraining


def count_reductions(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Notes such calls in the anatomy, each of a line once, while `is_early()`."""
    found = training.anatomy.reductions

    def note(function: str, place: str, input: Any, dim: int) -> None:
        if len(found) == MOST or not is_early() or any(one["place"] == place for one in found):
            return
        other = other_dimension(function, tuple(input.shape), dim)
        if other is not None:
            found.append({"function": function, "place": place, "dim": dim, "other": other, "axes": input.ndim})

    at_reductions(training, note)
