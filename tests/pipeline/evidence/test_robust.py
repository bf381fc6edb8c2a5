"""Robust effects beside the means."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from offline import analyse_offline, sweep_offline
from statsmodels.robust.norms import HuberT
from statsmodels.robust.robust_linear_model import RLM

from backtrack import Categorical, FunctionTask
from backtrack.evidence.analysis import Analysis
from backtrack.evidence.effects.robust import huber_fit


@pytest.mark.parametrize("seed", range(3))
def test_the_fit_is_that_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = np.hstack([np.ones((80, 1)), rng.normal(size=(80, 3))])
    y = columns @ [1.0, 2.0, 0.0, -1.0] + rng.standard_t(2, 80)
    start = np.linalg.lstsq(columns, y, rcond=None)[0]
    theirs = RLM(y, columns, M=HuberT(t=1.345)).fit(maxiter=200, tol=1e-10).params
    # Theirs takes the deviations about zero, ours about their median: the weights differ by little.
    assert huber_fit(columns, y, start) == pytest.approx(theirs, abs=0.02)


def gains(disaster: bool) -> Analysis:
    def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        rng = random.Random(f"{sorted(config.items())} {seed}")
        worse = 0.4 if config["a"] == "1" else 0.0
        far = 12.0 * rng.random() if disaster and config["a"] == "1" and rng.random() < 0.2 else 0.0
        yield {"error": 1.0 + worse + far + rng.gauss(0, 0.1)}

    box = FunctionTask(
        "box",
        run=run,
        metric="error",
        mode="min",
        factors=[Categorical(name, ["0", "1"]) for name in "abcd"],
    )
    return analyse_offline(box, sweep_offline(box, 120, 0, {"screen": 120}))


def test_what_far_runs_do_to_an_effect_is_told() -> None:
    effect = next(one for one in gains(disaster=True).responses["gain"].factors if one.factor.name == "a")
    assert effect.verdict == "active"
    assert effect.effect > 0.8
    assert effect.robust == pytest.approx(0.4, abs=0.15)
    assert f"by a robust fit, which far runs hardly move, the difference is {effect.robust:.3g}" in effect.statement


def test_nothing_is_said_where_both_agree() -> None:
    effect = next(one for one in gains(disaster=False).responses["gain"].factors if one.factor.name == "a")
    assert effect.verdict == "active" and not effect.statement
    assert math.isnan(effect.robust) or effect.robust == pytest.approx(effect.effect, rel=0.1)
