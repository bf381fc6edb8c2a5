"""Sees where a loss by hand multiplies what a net says by numbers of both signs, one for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.advantage_sign import at_weighing
from backtrack.trial.intervening.training import HookedTraining

# Lines that are noted.
MOST = 3


def count_weighing(training: HookedTraining, is_early: Callable[[], bool]) -> None:
    """Notes the lines in the anatomy, while `is_early()`; nothing is turned round."""
    found = training.anatomy.weighed

    def note(place: str, numbers: Any) -> bool:
        if place and len(found) < MOST and is_early() and place not in found:
            both = bool((numbers > 0).any() and (numbers < 0).any())
            found.extend([place] if both else [])
        return False

    at_weighing(training, note)
