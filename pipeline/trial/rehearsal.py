"""First runs that only have to show that a task runs: before anything is recorded, each up to its first metric."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

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


def rehearse(task: Task, planned: Sequence[PlannedTrial], device: str = "cpu") -> list[RunResult]:
    """The crashes of the first runs; none where one of them runs, or where that is not known in time.

    A crash of one config is a finding, and no reason to stop. So one after another is tried, until one runs.

    Args:
        task: what to train. A black box and a program are stopped at their first metric.
        planned: the trials, which differ in as much as they can.
        device: of a torch task.

    Returns:
        One for each of `planned` where all of them crash, else none.
    """
    os.environ[VARIABLE] = "1"
    try:
        return _crashes(task, planned, device)
    finally:
        del os.environ[VARIABLE]


def _crashes(task: Task, planned: Sequence[PlannedTrial], device: str) -> list[RunResult]:
    crashes: list[RunResult] = []
    begun = time.monotonic()
    for one in planned:
        seconds = SECONDS if threading.current_thread() is threading.main_thread() else None
        try:
            result = run_replicate(
                task,
                one.config,
                one.seeds[0],
                device=device,
                limits=Limits(seconds),
                watched=False,
                recorder=_Brief(task.metric),
            )
        except DeviceLost:
            # No other can be tried in this process: the sweep will say what came of each.
            return []
        if result.outcome != "crashed" or time.monotonic() - begun > IN_ALL:
            return []
        crashes.append(result)
    return crashes


class _Brief(Recorder):
    """Ends the training with its first value of the metric."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self._metric = metric

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """Adds one number, and ends the training where that is the metric."""
        super().point(step, epoch, name, value)
        if series_for(self._metric, {name}) is not None:
            raise Enough
