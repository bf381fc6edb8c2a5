"""First runs that only have to show that a task runs: before anything is recorded, each up to its first metric."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backtrack.task import Task
from backtrack.trial.limits import DeviceLost, Limits
from backtrack.trial.trial import run_replicate
from backtrack.vocabulary.plan import PlannedTrial
from backtrack.vocabulary.result import RunResult
from backtrack.watch.printed import series_for
from backtrack.watch.recorder import Enough, Recorder

# Seconds that one may take: who has not crashed by then is taken to run; and all together.
SECONDS, IN_ALL = 15.0, 60.0
# Name of the environment variable that tells a training that it is a trial run: its results are not kept.
VARIABLE = "BACKTRACK_REHEARSAL"


@dataclass(frozen=True)
class Rehearsed:
    """What first runs showed.

    Args:
        crashes: one for each trial where all of them crash; none where one of them runs, or where that is not known in
            time.
        twice: the first value of the metric in two runs of one config under one seed; None where that is not known.
    """

    crashes: tuple[RunResult, ...] = ()
    twice: tuple[float, float] | None = None

    @property
    def differing(self) -> tuple[float, float] | None:
        """Both values, where a fixed seed does not fix the training."""
        if self.twice is None or not all(map(math.isfinite, self.twice)) or self.twice[0] == self.twice[1]:
            return None
        return self.twice


def rehearse(task: Task, planned: Sequence[PlannedTrial], device: str = "cpu") -> Rehearsed:
    """First runs, each up to its first value of the metric.

    A crash of one config is a finding, and no reason to stop. So one after another is tried, until one runs. That one
    is run once more, under the same seed.

    Args:
        task: what to train. A black box and a program are stopped at their first metric.
        planned: the trials, which differ in as much as they can.
        device: of a torch task.
    """
    os.environ[VARIABLE] = "1"
    try:
        return _rehearsed(task, planned, device)
    finally:
        del os.environ[VARIABLE]


def _rehearsed(task: Task, planned: Sequence[PlannedTrial], device: str) -> Rehearsed:
    crashes: list[RunResult] = []
    begun = time.monotonic()
    try:
        for one in planned:
            result, first = _brief(task, one, device)
            if result.outcome == "crashed" and time.monotonic() - begun <= IN_ALL:
                crashes.append(result)
                continue
            if first is None or time.monotonic() - begun > SECONDS:
                return Rehearsed()
            again = _brief(task, one, device)[1]
            return Rehearsed(twice=None if again is None else (first, again))
    except DeviceLost:
        # No other can be tried in this process: the sweep will say what came of each.
        return Rehearsed()
    return Rehearsed(tuple(crashes))


def _brief(task: Task, planned: PlannedTrial, device: str) -> tuple[RunResult, float | None]:
    """A run up to its first value of the metric, and that; None where it came to none."""
    recorder = _Brief(task.metric)
    result = run_replicate(
        task,
        planned.config,
        planned.seeds[0],
        device=device,
        limits=Limits(SECONDS if threading.current_thread() is threading.main_thread() else None),
        watched=False,
        recorder=recorder,
    )
    return result, recorder.first


class _Brief(Recorder):
    """Ends the training with its first value of the metric."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self._metric = metric
        self.first: float | None = None

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """Adds one number, and ends the training where that is the metric."""
        super().point(step, epoch, name, value)
        if series_for(self._metric, {name}) is not None:
            self.first = value
            raise Enough
