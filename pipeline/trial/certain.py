"""Ends a training whose outcome is certain: what it reports is not finite, or it is at chance for too long."""

from __future__ import annotations

import math

from backtrack.task import Task
from backtrack.vocabulary.outcomes import STOPPED, judge
from backtrack.watch.printed import series_for
from backtrack.watch.recorder import Recorder


class Certain(BaseException):
    """Ends a training from within; no `Exception`, so that a program's own handlers let it through.

    Args:
        outcome: that is certain.
        why: for its record.
    """

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, f"{STOPPED} {why}"


class Patient(Recorder):
    """A recorder that ends its training once the outcome is certain.

    Args:
        task: whose metric is read.
        patience: after how many reports of the metric a run that is at chance is ended; 0 for never. It is judged then
            as at its end.

    Example:
        >>> from backtrack import load_task
        >>> recorder = Patient(load_task("squirrel"), 2)
        >>> try:
        ...     recorder.point(1, 1.0, recorder.metric, float("nan"))
        ... except Certain as end:
        ...     print(end.outcome)
        diverged
    """

    def __init__(self, task: Task, patience: int) -> None:
        super().__init__()
        self.metric, self._mode, self._noise = task.metric, task.mode, getattr(task, "noise", None)
        self._patience = patience
        # What the program reports and how often, and what of that is the metric: that may be clear only later.
        self._reports: dict[str, int] = {}
        self._series: str | None = None

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """Adds one number; see `Recorder.point`.

        Raises:
            Certain: where it decides how the run ends.
        """
        super().point(step, epoch, name, value)
        if name.startswith("symptom/"):
            return
        count = self._reports[name] = self._reports.get(name, 0) + 1
        if count == 1:
            self._series = series_for(self.metric, self._reports)
        if name != self._series:
            return
        if not math.isfinite(value):
            self._end(name, "diverged", f"{self.metric} is {value} at report {count}")
        if count == self._patience:
            values = self.values(name)
            if judge(values, mode=self._mode, chance=self.chance, noise=self._noise) == "no_learning":
                self._end(
                    name,
                    "no_learning",
                    f"at chance after {count} reports; no run of this study ever learnt so late",
                )

    def _end(self, series: str, outcome: str, why: str) -> None:
        if series != self.metric:
            self.rename(series, self.metric)
        self.epochs = max(self.epochs, self._reports[series])
        raise Certain(outcome, why)
