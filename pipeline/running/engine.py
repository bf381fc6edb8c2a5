"""What an engine is asked to do. There are two, which make the same records: `on_ray`, and `here`, in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtrack.running.resources import Resources
from backtrack.task import Task
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import FinishedTrial, Plan, PlannedTrial

if TYPE_CHECKING:
    import optuna


def _nothing(*told: object) -> None:
    """For who does not want to hear of it."""


def _to_its_end(planned: PlannedTrial) -> int | None:
    """For sweeps that end no training."""
    return None


@dataclass(frozen=True)
class Work:
    """Plans to carry out, one after another until there is none.

    Args:
        task: what to train.
        next_plan: called with the trials that are running whenever the last plan has been handed out.
        record: called in the driver's process for every finished trial, before anything else hears of it.
        search_study: makes the Optuna study that a `SearchPlan` asks, with the trials so far in it and the plan's first
            configs queued.
        resources: what may be used.
        on_start: told the number of workers and the device.
        on_tick: called often with the number of trials that are running.
        patience: told a trial that is about to start; how long it may be at chance, as for `run_trial`.
        rehearsed: trials that are tried briefly before anything is recorded; none for a task that has been run.
        on_difference: told two values of the metric, where one config under one seed gave both in such a trial run.
    """

    task: Task
    next_plan: Callable[[Collection[PlannedTrial]], Plan | None]
    record: Callable[[FinishedTrial], None]
    search_study: Callable[[Sequence[Config]], optuna.Study]
    resources: Resources
    on_start: Callable[[int, str], None] = _nothing
    on_tick: Callable[[int], None] = _nothing
    patience: Callable[[PlannedTrial], int | None] = _to_its_end
    rehearsed: Sequence[PlannedTrial] = ()
    on_difference: Callable[[tuple[float, float]], None] = _nothing


# Carries work out. Returns True when the plans came to their end, False when somebody interrupted (Ctrl-C): what had
# finished is recorded. Raises EngineError where it does not start or stops working, TaskError where no worker can load
# the task, or every trial run crashes (nothing has been trained then), and whatever `record` or `next_plan` raised; the
# run is then stopped first.
Engine = Callable[[Work], bool]
