"""Callbacks of libraries, with the real library where it is installed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from backtrack.integrations import lightgbm as ours
from backtrack.watch.telling import listening


def test_lightgbm_reports_each_evaluation() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = (x[:, 0] > 0).astype(int)
    told: list[tuple[dict[str, float], float | None]] = []
    train = lightgbm.Dataset(x[:150], y[:150])
    valid = lightgbm.Dataset(x[150:], y[150:], reference=train)
    with listening(lambda values, at: told.append((values, at))):
        lightgbm.train(
            {"objective": "binary", "verbose": -1, "num_threads": 1},
            train,
            num_boost_round=3,
            valid_sets=[valid],
            callbacks=[ours.reporter()],
        )
    assert [at for _, at in told] == [1, 2, 3]
    assert all(0 < values["valid_0_binary_logloss"] < 1 for values, _ in told)


def test_a_callback_outside_of_a_sweep_does_nothing() -> None:
    ours.reporter()(SimpleNamespace(evaluation_result_list=[("valid_0", "auc", 0.5, True)], iteration=0))
