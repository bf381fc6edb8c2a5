"""Of the variance between runs, what each factor takes part in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from backtrack import Categorical, Numeric, SearchSpace
from backtrack.evidence.analysis import analyse
from backtrack.records.rows import CURVES, trial_rows
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import RunResult

SPACE = SearchSpace(
    (
        Categorical("a", ["x", "y"]),
        Categorical("b", ["x", "y"]),
        Categorical("inner", [1, 2, 3], when={"b": ["y"]}),
        Categorical("inert", ["x", "y", "z"]),
        Numeric("lr", 1e-4, 1e-1, log=True),
    )
)


def shares(runs: int, value: Callable[[Config, np.random.Generator], float]) -> dict[str, float]:
    rng = np.random.default_rng(0)
    done = []
    for number in range(runs):
        b = "xy"[int(rng.integers(2))]
        config = {"a": "xy"[int(rng.integers(2))], "b": b, "inert": "xyz"[int(rng.integers(3))]}
        config |= {"lr": float(10 ** rng.uniform(-4, -1))} | ({"inner": int(rng.integers(1, 4))} if b == "y" else {})
        own = SPACE.config(config)
        result = RunResult(0, "ok", float(value(own, rng)), 1, 0.1, 0.0, 0, 0.0, "cpu")
        done.append(FinishedTrial(PlannedTrial(f"screen-{number:05d}", "screen", own, (0,)), (result,)))
    found = analyse(SPACE, trial_rows(SPACE, *done), CURVES.empty_table(), "error", "min")
    return found.responses["gain"].shares


def test_the_larger_effect_takes_part_in_more_and_the_inert_one_in_little() -> None:
    found = shares(200, lambda config, rng: 2 * (config["a"] == "x") + 1.0 * (config["b"] == "x") + 0.3 * rng.normal())
    assert found["a"] > 2 * found["b"] > 0.1
    assert found["inert"] < 0.03 and found["inner"] < 0.03
    # Four to one, as the squares of the effects; the noise is a fifteenth.
    assert found["a"] == pytest.approx(0.75, abs=0.12)


def test_a_small_effect_in_much_noise_has_a_small_share_and_not_none() -> None:
    found = shares(600, lambda config, rng: 0.8 * (config["a"] == "x") + rng.normal())
    # 0.16 of 1.16.
    assert 0.07 < found["a"] < 0.2 and max(found["b"], found["inert"], found["lr"], found["inner"]) < 0.02


def test_factors_that_matter_together_each_have_what_both_explain() -> None:
    """Neither has an effect of its own: a linear model of factors alone has nothing to share out."""
    found = shares(200, lambda config, rng: float((config["a"] == "x") == (config["b"] == "x")) + 0.1 * rng.normal())
    assert min(found["a"], found["b"]) > 4 * max(found["inert"], found["lr"], found["inner"])
    assert min(found["a"], found["b"]) > 0.25


def test_a_child_is_shuffled_where_it_exists_only() -> None:
    found = shares(200, lambda config, rng: float(config.get("inner") == 3) + 0.05 * rng.normal())
    assert found["inner"] > 0.5 > found["a"] + found["lr"]


def test_noise_is_shared_out_to_nobody() -> None:
    """Where nothing can be foretold, nothing is said."""
    for found in (
        shares(120, lambda config, rng: rng.normal()),
        shares(5, lambda config, rng: rng.normal()),
        shares(60, lambda config, rng: 1.0),
    ):
        assert all(map(math.isnan, found.values()))
