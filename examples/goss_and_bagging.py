"""A combination that a library refuses: LightGBM's gradient-based sampling together with bagging.

backtrack sweep examples/goss_and_bagging.py --runs 120

The cause is a set of levels: sampling=goss, and any fraction of bagging below 1. Needs `pip install lightgbm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import lightgbm
import numpy as np
from sklearn.datasets import load_digits

from backtrack import Categorical, FunctionTask, Numeric

DIGITS = load_digits()
TRAIN, VALID = slice(0, 600), slice(600, 1400)
ROUNDS = 12


def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
    """Boosts trees that tell even from odd digits; reports the error on held-out images after every few rounds."""
    data = lightgbm.Dataset(DIGITS.data[TRAIN], label=DIGITS.target[TRAIN] % 2)
    parameters = {
        "objective": "binary",
        "data_sample_strategy": config["sampling"],
        "bagging_fraction": config["bagging_fraction"],
        "bagging_freq": 1,
        "num_leaves": config["num_leaves"],
        "learning_rate": config["learning_rate"],
        "seed": seed,
        "num_threads": 1,
        "verbose": -1,
    }
    booster = lightgbm.Booster(parameters, data)
    for round_number in range(1, ROUNDS + 1):
        booster.update()
        if round_number % 3 == 0:
            says_odd = np.asarray(booster.predict(DIGITS.data[VALID])) > 0.5
            yield {"error": float(np.mean(says_odd != DIGITS.target[VALID] % 2))}


task = FunctionTask(
    name="goss_and_bagging",
    run=run,
    metric="error",
    mode="min",
    chance=0.5,
    factors=[
        Categorical("sampling", ["bagging", "goss"]),
        Categorical("bagging_fraction", [0.3, 0.8, 1.0]),
        Categorical("num_leaves", [4, 15, 31]),
        Numeric("learning_rate", 0.02, 0.5, log=True, role="nuisance"),
    ],
)
