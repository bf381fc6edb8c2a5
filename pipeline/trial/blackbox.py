"""One training run of a function task: listen to what it yields."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from backtrack.errors import TaskError
from backtrack.vocabulary.outcomes import judge
from backtrack.watch.recorder import Recorder

if TYPE_CHECKING:
    from backtrack.task import FunctionTask


def run_function(task: FunctionTask, config: Mapping[str, Any], seed: int, recorder: Recorder) -> str:
    """Runs the task's program to its end and returns the outcome.

    Every report becomes points of the recorder's curve as it comes, so that what a failing run reported before
    its end is kept. Faults of the task's code pass through to the caller.

    Raises:
        TaskError: where there is no report, or one is not a dict with a number under the task's metric.
    """
    started = time.perf_counter()
    laps: list[float] = []
    recorder.chance = task.chance
    for number, report in enumerate(_reports(task, config, seed), start=1):
        now = time.perf_counter()
        laps.append(now - started)
        started = now
        # The first report holds imports and warm-up; what it took beyond an ordinary one is not training.
        if len(laps) >= 3:
            recorder.warmup_seconds = max(0.0, laps[0] - median(laps[1:]))
        recorder.train_seconds = sum(laps) - recorder.warmup_seconds
        recorder.report(number, _checked(task, report))
    if not laps:
        raise TaskError(
            f"task {task.name!r}: run(config, seed) ended without a report; expected it to yield a dict with its "
            f"metric {task.metric!r} at least once"
        )
    return judge(recorder.values(task.metric), mode=task.mode, chance=task.chance, noise=task.noise)


def _reports(task: FunctionTask, config: Mapping[str, Any], seed: int) -> Iterator[Any]:
    """What the task's program yields.

    Raises:
        TaskError: where it is no generator.
    """
    program = task.program(config, seed)
    if isinstance(program, (str, Mapping)) or not isinstance(program, Iterable):
        raise TaskError(
            f"task {task.name!r}: run(config, seed) returned {program!r:.80}; expected it to yield dicts such as "
            f"{{{task.metric!r}: 0.5}}"
        )
    return iter(program)


def _checked(task: FunctionTask, report: Any) -> dict[str, float]:
    if not isinstance(report, Mapping) or task.metric not in report:
        found = sorted(report) if isinstance(report, Mapping) else report
        raise TaskError(
            f"task {task.name!r} yielded {found!r}; expected a dict with its metric {task.metric!r} in every report"
        )
    try:
        return {str(name): float(value) for name, value in report.items()}
    except (TypeError, ValueError):
        raise TaskError(f"task {task.name!r} yielded {report!r}; expected numbers only") from None
