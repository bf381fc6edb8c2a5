"""Further goals of a task, in words."""

from __future__ import annotations

from backtrack.evidence.analysis import Analysis
from backtrack.vocabulary.responses import EPOCH_TIME, FAILURE, GAIN, GAIN_WITH_FAILURES, SPEED


def goals_of(analysis: Analysis) -> list[str]:
    """The responses of further goals, and feasibility."""
    own = (FAILURE, GAIN, GAIN_WITH_FAILURES, SPEED, EPOCH_TIME)
    return [name for name in analysis.responses if name not in own]


def front_sentences(analysis: Analysis) -> list[str]:
    """The Pareto front's size and its knee."""
    knee = next((one for one in analysis.front if one.knee), None)
    if knee is None:
        return []
    values = ", ".join(f"{name} {value:.4g}" for name, (value, _, _) in knee.values.items())
    count = len(analysis.front)
    whole = "One run is" if count == 1 else f"{count} runs are"
    return [
        f"{whole} beaten by no other in everything. The knee, nearest to the best of each: {knee.trial} ({values})."
    ]
