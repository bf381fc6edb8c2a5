"""Where the search starts: at configs that the screen's own model promises most of, never inside a dead end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from offline import sweep_offline

from backtrack import Categorical, FunctionTask, Numeric, TrialFailed
from backtrack.stages.promising import promising_configs
from backtrack.stages.search import build_study, make_sampler, suggest_levels


def run(config: dict[str, Any], seed: int) -> Iterator[dict[str, float]]:
    if config["trap"] == "on":
        raise TrialFailed("diverged")
    error = 1.0 + 0.3 * (config["a"] != "z") + (0.4 if (config["b"] == "p") != (config["c"] == "q") else 0.0)
    error += config.get("depth", 0) * 0.1 + 0.01 * ((seed * 7919 + len(str(config.items()))) % 7 - 3)
    yield {"error": error}


TASK = FunctionTask(
    name="promises",
    run=run,
    metric="error",
    mode="min",
    factors=[
        Categorical("a", ["x", "y", "z"]),
        Categorical("b", ["p", "r"]),
        Categorical("c", ["q", "s"]),
        Categorical("trap", ["off", "on"]),
        Categorical("depth", [0, 1, 2], when={"a": ["z"]}),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
        *(Categorical(f"inert{number}", ["m", "n", "o"]) for number in range(4)),
    ],
)


@pytest.fixture(scope="module")
def screened() -> list[Any]:
    return sweep_offline(TASK, 120, 3, ["screen"])


def test_the_best_levels_and_pairs_come_first(screened: list[Any]) -> None:
    found = promising_configs(TASK.space, screened, 8, 3, "error", "min", 0.05)
    assert len(found) == len({config.hash for config in found}) == 8
    for config in found[:4]:
        assert config["a"] == "z" and (config["b"] == "p") == (config["c"] == "q") and config["depth"] == 0
    assert all(config["trap"] == "off" for config in found)
    assert not {config.hash for config in found} & {trial.planned.config.hash for trial in screened}


def test_the_search_runs_them_first(screened: list[Any]) -> None:
    first = promising_configs(TASK.space, screened, 3, 3, "error", "min", 0.05)
    study = build_study(optuna.storages.InMemoryStorage(), TASK.space, "min", screened, make_sampler(3), first)
    for config in first:
        trial = study.ask()
        suggest_levels(TASK.space, trial)
        assert trial.params == dict(config)


def test_nothing_is_promised_without_results() -> None:
    assert promising_configs(TASK.space, [], 5, 0, "error", "min", 0.05) == []
