"""Trainings whose outcome is certain before their end: at chance beyond where any run of the study ever learnt.

Nothing is cut by rank. A run is stopped only where it ends as it stands: a number is not finite, or the run is at
chance after more reports than any run of its study needed to learn, by a margin. One trial in `AUDITED` is trained to
its end all the same; what comes of these says whether the rule is right.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from backtrack.evidence.curves import paths_of
from backtrack.vocabulary.outcomes import STOPPED, judge
from backtrack.vocabulary.plan import FinishedTrial

# So many runs have to have learnt before their slowest says anything of the next: the next is slower than all of n
# runs once in n + 1. The margin is for the slower ones of a region that was not seen yet.
ENOUGH, MARGIN = 20, 1.5
AUDITED = 20
# A curve is read at so many of its reports at the most.
READ_AT = 32


@dataclass(frozen=True)
class StoppedRuns:
    """What stopping did in a study.

    Args:
        stopped: runs that were ended before their time.
        audited: runs that the rule would have ended, and that went on to their end.
        recovered: of these, those that trained after all.
    """

    stopped: int
    audited: int
    recovered: int


class Slowest:
    """The most reports that a run of the study needed to learn, so far.

    Args:
        metric, mode: of the task.
        noise: the metric's standard deviation at chance, where the task states it.

    Example:
        >>> slowest = Slowest("error", "min", None)
        >>> slowest.patience is None
        True
    """

    def __init__(self, metric: str, mode: str, noise: float | None) -> None:
        self._metric, self._mode, self._noise = metric, mode, noise
        self._needed: list[int] = []

    def add(self, trials: Iterable[FinishedTrial]) -> None:
        """Takes trials that have ended."""
        for trial in trials:
            for result in trial.results:
                values = [point.value for point in result.curve if point.name == self._metric]
                learnt = reports_to_learn(values, self._mode, result.chance, self._noise)
                if result.outcome == "ok" and learnt is not None:
                    self._needed.append(learnt)

    @property
    def patience(self) -> int | None:
        """See `patience_for`."""
        return patience_for(self._needed)


def patience_for(needed: Sequence[int]) -> int | None:
    """The number of reports after which a run that is at chance is stopped; None where too few have learnt.

    Args:
        needed: the reports that each run of the study needed to learn.

    Example:
        >>> patience_for([2] * 19), patience_for([2] * 19 + [6])
        (None, 10)
    """
    return math.ceil(MARGIN * max(needed)) + 1 if len(needed) >= ENOUGH else None


def reports_to_learn(values: Sequence[float], mode: str, chance: float | None, noise: float | None) -> int | None:
    """After how many reports a run was better than chance, as its worker would judge; None where never.

    Args:
        values: the metric's reports.
        mode, chance, noise: as for `judge`.
    """
    if chance is None or not values:
        return None
    ends = [*range(1, len(values), math.ceil(len(values) / READ_AT)), len(values)]
    judged = ((end, judge(values[:end], mode=mode, chance=chance, noise=noise)) for end in ends)
    return next((end for end, outcome in judged if outcome != "no_learning"), None)


def is_audited(trial: str) -> bool:
    """Whether a trial goes on to its end whatever it shows: one in `AUDITED`, by its name alone."""
    return int(hashlib.sha256(trial.encode()).hexdigest(), 16) % AUDITED == 0


def stopped_runs(trials: pa.Table, curves: pa.Table, metric: str, mode: str) -> StoppedRuns | None:
    """What stopping did in a study, and what the audit says of it; None where nothing was stopped.

    Args:
        trials, curves: as `Records` gives them.
        metric, mode: of the task.
    """
    stopped = sum((error or "").startswith(STOPPED) for error in trials["error"].to_pylist())
    if not stopped:
        return None
    paths = paths_of(curves, metric)
    audited: list[tuple[str, int]] = []
    needed: list[int] = []
    columns = (trials[name].to_pylist() for name in ("trial", "seed", "outcome", "chance"))
    for trial, seed, outcome, chance in zip(*columns, strict=True):
        values = [value for _, value in paths.get((trial, seed), ())]
        learnt = reports_to_learn(values, mode, chance, None)
        if is_audited(trial):
            audited.append((outcome, learnt or len(values) + 1))
        elif outcome == "ok" and learnt is not None:
            needed.append(learnt)
    patience = patience_for(needed)
    late = [outcome for outcome, learnt in audited if patience is not None and learnt > patience]
    return StoppedRuns(stopped, len(late), late.count("ok"))
