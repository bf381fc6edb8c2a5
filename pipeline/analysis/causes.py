"""Causes with their rates: how often the outcome happens with a cause and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.backtracking import Cause
from pipeline.analysis.laboratory import Run
from pipeline.space import SearchSpace


@dataclass(frozen=True)
class ExplainedCause:
    """A cause with its place among the runs that were not made to test it.

    Args:
        cause: what backtracking found, or the failure rule that it has not looked into yet.
        inside: (failures, runs) that have it.
        outside: (failures, runs) that do not, nor an earlier cause of the same outcome.
        share: of all runs with this outcome, those that have it.
    """

    cause: Cause
    inside: tuple[int, int]
    outside: tuple[int, int]
    share: float


def explained_causes(space: SearchSpace, runs: Sequence[Run], causes: Sequence[Cause]) -> list[ExplainedCause]:
    """Counts for each cause, the dominant first.

    Args:
        space: the factors.
        runs: every recorded run.
        causes: of `backtrack_all`.
    """
    runs = [run for run in runs if run.earlier]
    taken: dict[str, np.ndarray] = {}
    found = []
    for cause in causes:
        bad = np.array([run.outcome == cause.outcome for run in runs], bool)
        comparable = bad | np.array([run.outcome == "ok" for run in runs], bool)
        if cause.verified:
            has = np.array([all(part.holds(space, run.config) for part in cause.parts) for run in runs], bool)
        else:
            assert cause.rule is not None
            has = cause.rule.holds
        earlier = taken.get(cause.outcome, np.zeros(len(runs), bool))
        inside, outside = has & comparable & ~earlier, ~has & comparable & ~earlier
        if not cause.refuted:
            taken[cause.outcome] = earlier | has
        found.append(
            ExplainedCause(
                cause,
                (int((bad & inside).sum()), int(inside.sum())),
                (int((bad & outside).sum()), int(outside.sum())),
                float((bad & inside).sum() / max(1, bad.sum())),
            )
        )
    return sorted(found, key=lambda one: (-one.inside[0], one.cause.outcome))
