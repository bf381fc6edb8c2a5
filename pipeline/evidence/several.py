"""Several responses of one study: each further goal ranked like the metric, feasibility, and the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from backtrack.evidence.answers import ResponseAnalysis
from backtrack.evidence.frame import Frame
from backtrack.evidence.pareto import FrontRun, front_of
from backtrack.evidence.responses.reported import last_values, reported_gain
from backtrack.evidence.responses.responses import Response
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.responses import GAIN, feasible


def responses_of_goals(evidence: Frame, curves: pa.Table, goals: Sequence[Goal]) -> list[Response]:
    """A response for each goal, of the runs that trained; where one has a limit, also whether a run keeps all limits.

    A training that failed keeps none.
    """
    found = [reported_gain(evidence, curves, goal.name, goal.mode, goal.name) for goal in goals]
    if any(goal.limit is not None for goal in goals):
        fair = evidence.fair_for_failures
        found.append(Response(feasible(goals), fair, keeps_limits(fair, curves, goals).astype(float)))
    return found


def keeps_limits(frame: Frame, curves: pa.Table, goals: Sequence[Goal]) -> np.ndarray:
    """(n,) whether a run trained and keeps every limit; a number that it never reported keeps none."""
    kept = ~frame.failed
    for goal in goals:
        if goal.limit is not None:
            values = last_values(frame, curves, goal.name)
            kept &= np.array([bool(np.isfinite(value)) and goal.meets(float(value)) for value in values], bool)
    return kept


def front(
    frame: Frame,
    curves: pa.Table,
    metric: str,
    mode: str,
    goals: Sequence[Goal],
    answers: Mapping[str, ResponseAnalysis],
) -> list[FrontRun]:
    """The Pareto front over the metric and all goals, of every run that trained and keeps the limits.

    Args:
        frame, curves: of all runs.
        metric, mode: of the task.
        goals: its further numbers.
        answers: of each response, for the run-to-run standard deviations.
    """
    if not goals:
        return []
    numbers = {metric: frame.value, **{goal.name: last_values(frame, curves, goal.name) for goal in goals}}
    signs = {metric: 1 if mode == "max" else -1, **{goal.name: 1 if goal.mode == "max" else -1 for goal in goals}}
    noise = {metric: answers[GAIN].noise, **{goal.name: answers[goal.name].noise for goal in goals}}
    return front_of(
        frame.trial.tolist(), frame.seed.tolist(), numbers, signs, noise, keeps_limits(frame, curves, goals)
    )
