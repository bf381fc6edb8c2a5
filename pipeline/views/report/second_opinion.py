"""What Optuna's own importance tools make of the same runs: a second opinion, without error rates, for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna

from backtrack.stages.search import build_study, make_sampler
from backtrack.vocabulary.plan import FinishedTrial
from backtrack.vocabulary.space import SearchSpace

# A forest on more trials than this takes longer than the rest of the report.
MOST_TRIALS, LEAST_TRIALS = 400, 10


def importances(space: SearchSpace, finished: Sequence[FinishedTrial], mode: str) -> dict[str, dict[str, float]]:
    """`{tool: {factor: importance}}` of fANOVA (Hutter et al. 2014) and PED-ANOVA (Watanabe et al. 2023).

    Both see failures as bad values. fANOVA sees only factors that every trial has; PED-ANOVA, conditional since Optuna
    5, sees all. The same runs give the same numbers. Empty where there are too few trials or nothing differs.

    Args:
        space: the factors.
        finished: trials; at most `MOST_TRIALS` of them, evenly spread, are used.
        mode: of the task.
    """
    stride = max(1, -(-len(finished) // MOST_TRIALS))
    chosen = list(finished)[::stride]
    if len(chosen) < LEAST_TRIALS:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = build_study(optuna.storages.InMemoryStorage(), space, mode, chosen, make_sampler(0))
    values = {trial.value for trial in study.trials}
    if len(values) < 2:
        return {}
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, tool in (
            ("fANOVA", optuna.importance.FanovaImportanceEvaluator(seed=0)),
            ("PED-ANOVA", optuna.importance.PedAnovaImportanceEvaluator()),
        ):
            found[name] = dict(optuna.importance.get_param_importances(study, evaluator=tool))
    return found
