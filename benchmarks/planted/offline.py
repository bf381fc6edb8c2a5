"""A sweep without Ray, for black boxes that take no time: the same stages, records and analysis, in this process."""

from __future__ import annotations

import optuna
import pyarrow as pa

from pipeline.analysis import Analysis, analyse
from pipeline.plan import FinishedTrial, FixedPlan, PlannedTrial, objective
from pipeline.rows import CURVES, curve_rows, trial_rows
from pipeline.stages import Sweep, next_plan
from pipeline.stages.budget import split_runs
from pipeline.stages.search import build_study, config_from, make_sampler, suggest_levels
from pipeline.task import FunctionTask
from pipeline.training import run_trial


def sweep_offline(task: FunctionTask, runs: int, seed: int, stages: list[str] | dict[str, int]) -> list[FinishedTrial]:
    """Every trial of a sweep, in order, one after another.

    Args:
        task: a black box.
        runs, seed, stages: as for `pipeline.sweep`; stages may also be given with the runs of each.
    """
    sweep = Sweep(
        task.space,
        stages if isinstance(stages, dict) else split_runs(task.space, runs, stages),
        seed,
        task.metric,
        task.mode,
    )
    finished: list[FinishedTrial] = []

    def carry_out(planned: PlannedTrial) -> FinishedTrial:
        done = FinishedTrial(planned, tuple(run_trial(task, planned.config, planned.seeds)))
        finished.append(done)
        return done

    while (plan := next_plan(sweep, finished, ())) is not None:
        if isinstance(plan, FixedPlan):
            for planned in plan.trials:
                carry_out(planned)
            continue
        storage = optuna.storages.InMemoryStorage()
        study = build_study(storage, task.space, task.mode, finished, make_sampler(seed), plan.first)
        for identifier in plan.ids:
            trial = study.ask()
            suggest_levels(task.space, trial)
            planned = PlannedTrial(identifier, plan.stage, config_from(task.space, trial.params), plan.seeds)
            study.tell(trial, objective(carry_out(planned), task.mode))
    return finished


def analyse_offline(task: FunctionTask, finished: list[FinishedTrial], alpha: float = 0.05) -> Analysis:
    """The analysis of such a sweep."""
    trials = trial_rows(task.space, *finished)
    curves = pa.concat_tables([CURVES.empty_table(), *(curve_rows(f) for f in finished)])
    return analyse(task.space, trials, curves, task.metric, task.mode, alpha=alpha)
