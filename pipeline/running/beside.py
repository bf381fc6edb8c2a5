"""What writes a study to MLflow beside the trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtrack.records.directory import Records
    from backtrack.views.mlflow import Follower


class Logged:
    """A study's copy in MLflow: begun with its first record, ended after its report.

    Args:
        records: the study.
        wanted: whether it is to be there at all.
        told: told what happens, a line at a time.
    """

    def __init__(self, records: Records, wanted: bool, told: Callable[[str], None]) -> None:
        self._records, self._wanted, self._told = records, wanted, told
        self._follower: Follower | None = None

    def begin(self) -> None:
        """Starts the process that follows the study; once."""
        if self._wanted and self._follower is None:
            from backtrack.views import mlflow

            self._follower = mlflow.follow(self._records)

    def end(self) -> None:
        """Waits until everything is written, or says what is missing."""
        if self._follower is None:
            return
        self._told("writing to MLflow")
        problem, self._follower = self._follower.finish(), None
        if problem:
            self._told(problem)
