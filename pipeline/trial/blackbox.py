"""One training run of a function task: listen to what it yields, reports and returns."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from backtrack.errors import TaskError
from backtrack.vocabulary.outcomes import judge
from backtrack.watch.printed import flat
from backtrack.watch.recorder import Recorder
from backtrack.watch.telling import listening

if TYPE_CHECKING:
    from backtrack.task import FunctionTask


# Seconds between reports below which nothing was trained between them: they come in a burst, at the training's end, and
# what came before the first is the training itself.
BURST = 0.0005


def run_function(task: FunctionTask, config: Mapping[str, Any], seed: int, recorder: Recorder) -> str:
    """Runs the task's program to its end and returns the outcome.

    Every report becomes points of the recorder's curve as it comes, so that what a failing run reported before
    its end is kept. Faults of the task's code pass through to the caller.

    Raises:
        TaskError: where there is no report, one is not a dict, or none has a number under the task's metric.
    """
    recorder.chance = task.chance
    clock = _Clock(recorder)

    def reported(values: Mapping[str, float], at: float | None) -> None:
        clock.lap()
        recorder.report(clock.reports, values, at)

    with listening(reported):
        try:
            for report in _reports(task, config, seed):
                reported(_numbers(task, report), None)
        except SystemExit as end:
            raise TaskError(
                f"task {task.name!r}: run(config, seed) ends the process (SystemExit: {end.code}); expected it to "
                "yield reports and to come to its end: leave sys.exit and argument parsing out"
            ) from end
    if not clock.reports:
        raise TaskError(
            f"task {task.name!r}: run(config, seed) ended without a report; expected it to yield a dict with its "
            f"metric {task.metric!r} at least once, to return one, or to call backtrack.report({task.metric}=…)"
        )
    values = recorder.values(task.metric)
    if not values:
        found = ", ".join(sorted({point.name for point in recorder.curve if not point.name.startswith("symptom/")}))
        raise TaskError(
            f"task {task.name!r}: none of {clock.reports} reports has a number under its metric {task.metric!r}; they "
            f"have {found or 'no numbers'}"
        )
    return judge(values, mode=task.mode, chance=task.chance, noise=task.noise)


class _Clock:
    """The time of each report. What the first took beyond an ordinary one is warm-up: imports, and first calls."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder, self._laps, self._since = recorder, list[float](), time.perf_counter()

    @property
    def reports(self) -> int:
        """How many there were."""
        return len(self._laps)

    def lap(self) -> None:
        """A report came."""
        now = time.perf_counter()
        self._laps.append(now - self._since)
        self._since = now
        ordinary = median(self._laps[1:]) if len(self._laps) >= 3 else 0.0
        self._recorder.warmup_seconds = max(0.0, self._laps[0] - ordinary) if ordinary > BURST else 0.0
        self._recorder.train_seconds = sum(self._laps) - self._recorder.warmup_seconds


def _reports(task: FunctionTask, config: Mapping[str, Any], seed: int) -> Iterator[Any]:
    """What the task's program yields; or the one dict that it returns.

    Raises:
        TaskError: where it is neither.
    """
    program: Any = task.program(config, seed)
    if program is None:
        # It may have called backtrack.report.
        return iter(())
    if isinstance(program, Mapping):
        return iter((program,))
    if isinstance(program, (str, bytes)) or not isinstance(program, Iterable):
        raise TaskError(
            f"task {task.name!r}: run(config, seed) returned {program!r:.80}; expected it to yield dicts such as "
            f"{{{task.metric!r}: 0.5}}, or to return one"
        )
    return iter(program)


def _numbers(task: FunctionTask, report: Any) -> dict[str, float]:
    """The numbers of a report; text, booleans, None and arrays of several numbers are left out, nested dicts opened."""
    if not isinstance(report, Mapping):
        raise TaskError(
            f"task {task.name!r} yielded {report!r:.80}; expected a dict of numbers such as {{{task.metric!r}: 0.5}}"
        )
    return dict(flat(report))
