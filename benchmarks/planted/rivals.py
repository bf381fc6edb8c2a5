"""Importance tools after a pure TPE search, on the same planted problems and the same number of runs.

    python benchmarks/planted/rivals.py [--runs 60,120,240,480] [--problems 40] [--first 6000]

An importance tool gives a ranking without a decision. It is granted the most generous one: the number of truly active
factors k is told to it, and its k most important factors count as called active. For each tool: recall (= precision)
of these k, and the share of sweeps in which an inert factor outranks an active one. The last columns: distance of
the search's best config from the optimum, in standard deviations of the noise.
"""

from __future__ import annotations

import argparse
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import optuna
from offline import sweep_offline
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from problems import NOISE, draw
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from pipeline.plan import FinishedTrial
from pipeline.space import Numeric, SearchSpace, label
from pipeline.stages.search import build_study, make_sampler, objective

TOOLS = ("fANOVA", "MDI", "PED-ANOVA", "forest permutation")


def importances(space: SearchSpace, finished: list[FinishedTrial], mode: str) -> dict[str, dict[str, float]]:
    """`{tool: {factor: importance}}`; conditional factors are imputed as absent, which the tools cannot take."""
    study = build_study(optuna.storages.InMemoryStorage(), space, mode, finished, make_sampler(0))
    everywhere = [factor.name for factor in space if not factor.when]
    found: dict[str, dict[str, float]] = {}
    evaluators = (
        FanovaImportanceEvaluator(seed=0),
        MeanDecreaseImpurityImportanceEvaluator(seed=0),
        PedAnovaImportanceEvaluator(),
    )
    for tool, evaluator in zip(TOOLS, evaluators, strict=False):
        found[tool] = optuna.importance.get_param_importances(study, evaluator=evaluator, params=everywhere)
    columns, owners = [], []
    for factor in space:
        levels = [trial.planned.config.get(factor.name) for trial in finished]
        if isinstance(factor, Numeric):
            columns.append([0.5 if level is None else factor.share(float(level)) for level in levels])
            owners.append(factor.name)
        else:
            for level in factor.levels:
                columns.append([float(label(own) == label(level)) for own in levels])
                owners.append(factor.name)
    inputs, values = np.array(columns).T, np.array([objective(trial, mode) for trial in finished])
    forest = RandomForestRegressor(300, random_state=0).fit(inputs, values)
    scores = permutation_importance(forest, inputs, values, n_repeats=10, random_state=0).importances_mean
    found[TOOLS[3]] = {name: float(sum(s for s, o in zip(scores, owners, strict=True) if o == name)) for name in owners}
    return found


def one(seed: int, runs: int) -> tuple[dict[str, tuple[int, int, bool]], float]:
    """For each tool (active factors among its top k, k, whether an inert one outranks an active one); the regret."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")
    problem = draw(seed)
    task = problem.task()
    finished = sweep_offline(task, runs, seed, ["search"])
    # What changes the objective of a search is the gain and the failures alike.
    active = problem.active | problem.failing
    result = {}
    for tool, scores in importances(task.space, finished, task.mode).items():
        asked = active & set(scores)
        ranked = sorted(scores, key=lambda name: -scores[name])
        hit = len(set(ranked[: len(asked)]) & asked)
        lowest = min(scores[name] for name in asked)
        wrong = any(scores[name] > lowest for name in scores if name not in asked)
        result[tool] = (hit, len(asked), wrong)
    best = min(finished, key=lambda trial: objective(trial, task.mode))
    return result, (problem.mean(best.planned.config) - problem.best_mean()) / NOISE


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="60,120,240,480")
    parser.add_argument("--problems", type=int, default=40)
    parser.add_argument("--first", type=int, default=6000, help="seed of the first problem")
    arguments = parser.parse_args()
    seeds = list(range(arguments.first, arguments.first + arguments.problems))
    print("| runs | " + " | ".join(f"{tool}: recall of top k, inert above active" for tool in TOOLS) + " | regret |")
    print("|---" * (len(TOOLS) + 2) + "|")
    for runs in map(int, arguments.runs.split(",")):
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            rows = list(pool.map(one, seeds, repeat(runs)))
        cells = []
        for tool in TOOLS:
            hits, asked, wrong = zip(*(row[0][tool] for row in rows), strict=True)
            cells.append(f"{sum(hits) / sum(asked):.2f}, {np.mean(wrong):.0%}")
        print(f"| {runs} | " + " | ".join(cells) + f" | {np.mean([row[1] for row in rows]):.2f} |", flush=True)


if __name__ == "__main__":
    main()
