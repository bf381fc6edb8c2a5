"""A first run that only has to show that the task runs: before anything is planned, in a worker."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from backtrack.task import FunctionTask, ScriptTask, Task
from backtrack.trial.limits import Limits
from backtrack.trial.trial import run_replicate
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.places import last_frames
from backtrack.vocabulary.result import RunResult
from backtrack.watch.printed import series_for
from backtrack.watch.recorder import Enough, Recorder

# Seconds that a rehearsal may take; who has not crashed by then is taken to run.
SECONDS = 15.0


def rehearse(task: Task, configs: Sequence[Config], device: str = "cpu") -> str:
    """Why none of some configs can be trained; empty where one can, or where it is not known within `SECONDS`.

    A crash of one config is a finding, and no reason to stop. So several are tried, until one runs; only where all of
    them crash, the task itself is at fault.

    Args:
        task: what to train. A black box and a program are stopped at their first metric.
        configs: that differ in as much as they can.
        device: of a torch task.
    """
    crashes: list[RunResult] = []
    for config in configs:
        seconds = SECONDS if threading.current_thread() is threading.main_thread() else None
        brief = _Brief(task.metric)
        result = run_replicate(task, config, 0, device=device, limits=Limits(seconds), watched=False, recorder=brief)
        if result.outcome != "crashed":
            return ""
        crashes.append(result)
    return _said(task, crashes)


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


def _said(task: Task, crashes: Sequence[RunResult]) -> str:
    error = crashes[-1].error.strip()
    lines = error.splitlines() or ["no message"]
    frames = last_frames(error)
    tried = "a trial run" if len(crashes) == 1 else f"each of {len(crashes)} trial runs, at different levels,"
    place = f" at {crashes[-1].error_place}" if crashes[-1].error_place else ""
    what = "program" if isinstance(task, ScriptTask) else "function" if isinstance(task, FunctionTask) else "task"
    advice = f"\nNothing was trained. Mend the {what}, or go on all the same with --keep-going"
    own, _, message = lines[-1].partition("backtrack.errors.TaskError: ")
    if message and not own:
        # Ours says all that there is to say.
        return f"{message}{advice}"
    text = f"{tried} of {task.name!r} crashed{place}: {lines[-1]}"
    if frames:
        text += f"\n{frames}"
    if isinstance(task, ScriptTask) and len(lines) > 1 and not frames:
        text += "\nIts last words:\n" + "\n".join(f"    {line}" for line in lines[-8:-1])
    return f"{text}{advice}"
