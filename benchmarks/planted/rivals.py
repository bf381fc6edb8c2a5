"""Importance tools after a pure TPE search, on planted problems."""

from __future__ import annotations

import numpy as np
import optuna
from offline import sweep_offline
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from problems import NOISE, Problem
from score import Ranking, ranked
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from backtrack.stages.search import build_study, make_sampler
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric
from backtrack.vocabulary.plan import FinishedTrial, objective
from backtrack.vocabulary.space import SearchSpace

TOOLS = ("fANOVA", "MDI", "PED-ANOVA", "forest permutation")


def importances(space: SearchSpace, finished: list[FinishedTrial], mode: str) -> dict[str, dict[str, float]]:
    """`{tool: {factor: importance}}`.

    PED-ANOVA is Optuna's default, conditional since version 5: it takes every factor (`params=None`). fANOVA and MDI
    take none that some trials lack; the forest sees those as absent.
    """
    study = build_study(optuna.storages.InMemoryStorage(), space, mode, finished, make_sampler(0))
    everywhere = [factor.name for factor in space if not factor.when]
    found: dict[str, dict[str, float]] = {}
    evaluators = (
        FanovaImportanceEvaluator(seed=0),
        MeanDecreaseImpurityImportanceEvaluator(seed=0),
        PedAnovaImportanceEvaluator(),
    )
    for tool, evaluator in zip(TOOLS, evaluators, strict=False):
        params = None if tool == "PED-ANOVA" else everywhere
        found[tool] = optuna.importance.get_param_importances(study, evaluator=evaluator, params=params)
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


def rank(problem: Problem, runs: int) -> tuple[dict[str, Ranking], float]:
    """What each importance tool makes of a pure TPE search of a problem, and the regret of that search.

    The regret is the true distance of its best config from the optimum, in standard deviations of the noise.
    """
    task = problem.task()
    finished = sweep_offline(task, runs, problem.seed, ["search"])
    # What changes the objective of a search is the gain and the failures alike.
    active = problem.active | problem.failing
    found = {
        tool: ranked(sorted(scores, key=lambda name: -scores[name]), active)
        for tool, scores in importances(task.space, finished, task.mode).items()
    }
    best = min(finished, key=lambda trial: objective(trial, task.mode))
    return found, (problem.mean(best.planned.config) - problem.best_mean()) / NOISE
