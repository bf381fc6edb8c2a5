"""A sweep without a study directory, for black boxes that take no time: the same stages, engine and analysis."""

from __future__ import annotations

import optuna
import pyarrow as pa

from backtrack.evidence.analysis import Analysis, analyse
from backtrack.records.rows import CURVES, curve_rows, trial_rows
from backtrack.running import here
from backtrack.running.engine import Work
from backtrack.running.resources import Resources
from backtrack.stages import Sweep, next_plan, split_runs
from backtrack.stages.search import build_study, make_sampler
from backtrack.task import FunctionTask
from backtrack.vocabulary.plan import FinishedTrial


def sweep_offline(task: FunctionTask, runs: int, seed: int, stages: list[str] | dict[str, int]) -> list[FinishedTrial]:
    """Every trial of a sweep, in order, one after another.

    Args:
        task: a black box.
        runs, seed, stages: as for `backtrack.sweep`; stages may also be given with the runs of each.
    """
    sweep = Sweep(
        space=task.space,
        runs=stages if isinstance(stages, dict) else split_runs(task.space, runs, stages),
        seed=seed,
        metric=task.metric,
        mode=task.mode,
    )
    finished: list[FinishedTrial] = []
    here.execute(
        Work(
            task=task,
            next_plan=lambda running: next_plan(sweep, finished, running),
            record=finished.append,
            search_study=lambda first: build_study(
                optuna.storages.InMemoryStorage(), task.space, task.mode, finished, make_sampler(seed), first
            ),
            resources=Resources(),
        )
    )
    return finished


def analyse_offline(task: FunctionTask, finished: list[FinishedTrial], alpha: float = 0.05) -> Analysis:
    """The analysis of such a sweep."""
    trials = trial_rows(task.space, *finished)
    curves = pa.concat_tables([CURVES.empty_table(), *(curve_rows(f) for f in finished)])
    return analyse(task.space, trials, curves, task.metric, task.mode, alpha=alpha)
