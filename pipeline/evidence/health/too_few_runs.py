"""Fewer runs than its questions need."""

from __future__ import annotations

from backtrack.evidence.health.examined import Examined, Flag
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.space import SearchSpace

ABOUT = "fewer than three runs that trained for each number that a model of all factors estimates"
LEAST = 3


def look(examined: Examined) -> Flag | None:
    """Flags a study whose trained evidence cannot carry a model of all factors."""
    numbers = _numbers(examined.frame.space)
    runs = len(examined.gain.response.y)
    if runs >= LEAST * numbers:
        return None
    return Flag(
        name="too_few_runs",
        measured=f"{runs} runs that trained, for {numbers} numbers to estimate",
        means="effects are judged one by one, with wide intervals; what is not called active may well matter",
        remedy=f"extend the study by about {LEAST * numbers + numbers - runs} runs, or hold some factors (--fix)",
    )


def _numbers(space: SearchSpace) -> int:
    return 1 + sum(2 if isinstance(factor, Numeric) else len(factor.levels) - 1 for factor in space)
