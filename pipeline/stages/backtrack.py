"""Backtrack: the runs that carry each investigation of a dead end further."""

from __future__ import annotations

from collections.abc import Sequence

from backtrack.evidence.failures.backtracking import backtrack_all
from backtrack.evidence.failures.laboratory import Wanted, runs_of
from backtrack.evidence.fellows import agreed, begun_of
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.space import SearchSpace

# What an investigation takes from its start to its verification, about.
RUNS_A_CAUSE = 30


def plan_backtrack(
    space: SearchSpace,
    finished: Sequence[FinishedTrial],
    left: int,
    metric: str,
    mode: str,
    alpha: float,
    only_open: bool = False,
) -> list[PlannedTrial]:
    """What the investigations want to know next, at most `left` runs; empty when they have come to their end.

    An interrupted stage asks for the same trials again (`as_trials`), and no run is done twice.

    Args:
        space: the factors.
        finished: every recorded trial.
        left: runs that the stage may still use.
        metric, mode: of the task.
        alpha: error rate of the verdicts.
        only_open: whether causes that are verified get no further runs.
    """
    trials = agreed(trial_rows(space, *finished), mode, lambda: begun_of(finished, metric))
    causes, wanted = backtrack_all(frame_from(space, trials), runs_of(space, trials, mode), alpha)
    # When all are settled, what is left first shows the verified ones under every seed.
    further = [] if only_open else [cause.further for cause in causes if cause.further]
    unsettled = [pairs for pairs in wanted if pairs] or further
    # Side by side only as many as the runs carry to their end: two half investigations settle nothing.
    served = unsettled[: max(1, left // RUNS_A_CAUSE)]
    return as_trials([one for ones in served for one in ones])[:left]


def as_trials(wanted: Sequence[Wanted]) -> list[PlannedTrial]:
    """A trial for each config and seed that is wanted, once.

    Its id is made of both, so that the same question is the same trial.
    """
    trials: dict[str, PlannedTrial] = {}
    for one in wanted:
        identifier = f"backtrack-{one.config.hash[:10]}-{one.seed}"
        planned = PlannedTrial(identifier, "backtrack", one.config, (one.seed,), one.part, question=one.question)
        trials.setdefault(identifier, planned)
    return list(trials.values())
