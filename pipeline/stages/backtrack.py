"""Backtrack: the runs that carry each investigation of a dead end further."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.analysis.backtracking import backtrack_all
from pipeline.analysis.frame import frame_from
from pipeline.analysis.laboratory import runs_of
from pipeline.config import Config
from pipeline.plan import FinishedTrial, PlannedTrial
from pipeline.rows import trial_rows
from pipeline.space import SearchSpace

# What an investigation takes from its start to its verification, about.
RUNS_A_CAUSE = 30


def plan_backtrack(
    space: SearchSpace, finished: Sequence[FinishedTrial], left: int, mode: str, alpha: float
) -> list[PlannedTrial]:
    """What the investigations want to know next, at most `left` runs; empty when they have come to their end.

    An interrupted stage asks for the same trials again (`probes`), and no run is done twice.

    Args:
        space: the factors.
        finished: every recorded trial.
        left: runs that the stage may still use.
        mode: of the task.
        alpha: error rate of the verdicts.
    """
    trials = trial_rows(space, *finished)
    causes, wanted = backtrack_all(frame_from(space, trials), runs_of(space, trials, mode), alpha)
    # When all are settled, what is left first shows the verified ones under every seed.
    unsettled = [pairs for pairs in wanted if pairs] or [cause.further for cause in causes if cause.further]
    # Side by side only as many as the runs carry to their end: two half investigations settle nothing.
    served = unsettled[: max(1, left // RUNS_A_CAUSE)]
    return probes(list(dict.fromkeys(pair for pairs in served for pair in pairs)))[:left]


def probes(wanted: Sequence[tuple[Config, int]]) -> list[PlannedTrial]:
    """A trial for each `(config, seed)`; its id is made of both, so that the same question is the same trial."""
    return [
        PlannedTrial(f"backtrack-{config.hash[:10]}-{seed}", "backtrack", config, (seed,)) for config, seed in wanted
    ]
