"""Stages: functions from the records so far to the next plan. They know no Ray and no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipeline.plan import FinishedTrial, FixedPlan, Plan, SearchPlan, trial_id
from pipeline.space import SearchSpace
from pipeline.stages.budget import split_runs
from pipeline.stages.screen import plan_screen, seed_pool

__all__ = ["Sweep", "next_plan", "split_runs"]


@dataclass(frozen=True)
class Sweep:
    """What a sweep was asked to do.

    Args:
        space: the factors.
        runs: training runs for each stage, in the order in which they are run.
        seed: of the study.
    """

    space: SearchSpace
    runs: Mapping[str, int]
    seed: int


def next_plan(sweep: Sweep, finished: Sequence[FinishedTrial], running: Collection[str]) -> Plan | None:
    """What to run next, from the records alone; None when the sweep is complete.

    Args:
        sweep: what was asked.
        finished: every recorded trial.
        running: ids of trials that have been handed out and are not recorded yet. The search starts while the
            last ones of the screen still run: a worker that waits costs more than one start-up trial.
    """
    known = {trial.planned.trial for trial in finished} | set(running)
    for stage, runs in sweep.runs.items():
        if stage == "screen":
            waiting = [planned for planned in plan_screen(sweep.space, runs, sweep.seed) if planned.trial not in known]
            if waiting:
                return FixedPlan(waiting)
        elif stage == "search":
            ids = [trial_id("search", number) for number in range(runs)]
            waiting_ids = [identifier for identifier in ids if identifier not in known]
            if waiting_ids:
                return SearchPlan(waiting_ids, seed_pool(sweep.seed)[:1])
    return None
