"""Whether runs were chosen beforehand is found from the runs themselves."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from backtrack import Categorical, Config, FinishedTrial, Numeric, PlannedTrial, RunResult, SearchSpace
from backtrack.evidence.choosing import BEFOREHAND, BY_RESULTS, UNTOLD, how_chosen
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows

SPACE = SearchSpace(
    (
        Numeric("lr", 1e-4, 1e-1, log=True),
        Categorical("optimiser", ["sgd", "adam", "rmsprop"]),
        Numeric("dropout", 0.0, 0.5),
        Categorical("norm", ["batch", "layer"]),
    )
)


def frame_of(configs):
    trials = [
        FinishedTrial(PlannedTrial(f"run-{place:05d}", "past", Config(config), (0,)), (RunResult(0, "ok", 0.0),))
        for place, config in enumerate(configs)
    ]
    return frame_from(SPACE, trial_rows(SPACE, *trials))


def searched(sampler, runs, seed, effect):
    """Configs and results of a search by Optuna; `effect` is the size of what the factors do."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    draw = np.random.default_rng(seed)
    configs, results = [], []

    def objective(trial):
        config = {
            "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
            "optimiser": trial.suggest_categorical("optimiser", ["sgd", "adam", "rmsprop"]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "norm": trial.suggest_categorical("norm", ["batch", "layer"]),
        }
        value = draw.normal() + effect * (np.log10(config["lr"]) + 2) ** 2 + effect * (config["norm"] == "layer")
        configs.append(config)
        results.append(-value)
        return value

    optuna.create_study(sampler=sampler).optimize(objective, n_trials=runs)
    return frame_of(configs), np.array(results)


@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_a_search_by_results_is_seen(effect):
    found = [how_chosen(*searched(optuna.samplers.TPESampler(seed=s), 60, s, effect)).chosen for s in range(6)]
    assert BEFOREHAND not in found and found.count(BY_RESULTS) >= 5


def test_random_draws_are_taken_for_what_they_are():
    found = [how_chosen(*searched(optuna.samplers.RandomSampler(seed=s), 60, s, 2.0)).chosen for s in range(6)]
    assert found.count(BEFOREHAND) >= 5


def test_a_full_grid_is_seen_at_any_size():
    levels = [
        (lr, o, d, n) for lr in (1e-3, 1e-2) for o in ("sgd", "adam") for d in (0.0, 0.5) for n in ("batch", "layer")
    ]
    frame = frame_of([dict(zip(("lr", "optimiser", "dropout", "norm"), one, strict=True)) for one in levels])
    assert how_chosen(frame, np.arange(16.0)).how == "every combination of levels was run: a full grid"


def test_levels_that_go_together_are_no_random_design():
    draw = np.random.default_rng(0)
    configs = []
    for _ in range(60):
        adam = draw.random() < 0.5
        configs.append(
            {
                "lr": 10 ** draw.uniform(-4, -3 if adam else -1),
                "optimiser": "adam" if adam else "sgd",
                "dropout": draw.uniform(0, 0.5),
                "norm": draw.choice(["batch", "layer"]).item(),
            }
        )
    found = how_chosen(frame_of(configs), draw.normal(size=60))
    assert found.chosen == UNTOLD and found.tied[0][:2] == ("lr", "optimiser")


def test_a_table_sorted_by_its_results_has_no_order():
    frame, results = searched(optuna.samplers.RandomSampler(seed=1), 60, 1, 2.0)
    order = np.argsort(results)
    found = how_chosen(frame.rows(order), results[order])
    assert found.chosen == UNTOLD and "sorted by its results" in found.how


def test_few_runs_show_nothing():
    frame, results = searched(optuna.samplers.RandomSampler(seed=1), 20, 1, 2.0)
    assert "too few" in how_chosen(frame, results).how
