"""What a sweep tells while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backtrack.vocabulary.plan import FinishedTrial


@dataclass(frozen=True)
class Outline:
    """What a sweep is about to do.

    Args:
        task: its name.
        metric, mode: of the task.
        directory: where the study lies.
        runs: training runs for each stage.
        recorded: trials that an earlier driver has finished.
    """

    task: str
    metric: str
    mode: str
    directory: str
    runs: Mapping[str, int]
    recorded: Sequence[FinishedTrial] = ()


class Progress:
    """Told what happens while a sweep runs; the default says nothing.

    Override what you want to hear of and pass it to `sweep`; `backtrack.views.live` has the command's own views.

    Example:
        >>> class Dots(Progress):
        ...     def finished(self, trial):
        ...         print(".", end="")
    """

    def planned(self, outline: Outline) -> None:
        """The sweep is about to start."""

    def started(self, workers: int, device: str) -> None:
        """Workers are up."""

    def finished(self, trial: FinishedTrial) -> None:
        """A trial has been recorded."""

    def suspects(self, sentence: str) -> None:
        """The failure rule that fits the runs so far best: a suspicion, no verdict."""

    def checked(self, sentence: str) -> None:
        """A check has found something wrong in a run, for the first time in this sweep."""

    def extended(self, runs: int, why: str) -> None:
        """`runs` more trainings are run than were planned so far."""

    def tick(self, running: int) -> None:
        """Time passes; `running` trials are on."""

    def stage(self, message: str) -> None:
        """Something else is being done."""
