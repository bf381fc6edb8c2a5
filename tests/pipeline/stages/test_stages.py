from __future__ import annotations

import math

import optuna
import pytest

from backtrack import Categorical, Composite, Numeric, SearchSpace
from backtrack.errors import PlanError
from backtrack.stages import Sweep, next_plan
from backtrack.stages.budget import split_runs
from backtrack.stages.screen import SEED_BLOCKS, first_of_screen, plan_screen
from backtrack.stages.search import build_study, config_from, frozen_trial, make_sampler, suggest_levels
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, PlannedTrial, SearchPlan, objective
from backtrack.vocabulary.result import RunResult

SPACE = SearchSpace(
    (
        Categorical("optimiser", ["sgd", "adam"]),
        Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
        Numeric("layers", 1, 4, integer=True),
        Composite("init", levels={"a": {"p": 0}, "b": {"p": 1}}),
    )
)


def run(planned: PlannedTrial, value: float | None, outcome: str = "ok", chance: float | None = 1.0) -> FinishedTrial:
    results = tuple(RunResult(seed, outcome, value, 1, 1.0, 0.0, 0, chance, "cpu") for seed in planned.seeds)
    return FinishedTrial(planned, results)


def test_the_budget_is_spent_whole() -> None:
    for runs in (20, 60, 117, 240):
        for stages in (["screen"], ["search"], ["screen", "search"], ["search", "screen"]):
            split = split_runs(SPACE, runs, stages)
            assert sum(split.values()) == runs
            assert list(split) == [stage for stage in ("screen", "search") if stage in stages]


def test_a_confirm_too_small_to_settle_anything_is_left_to_the_screen() -> None:
    stages = ["screen", "search", "confirm", "backtrack"]
    small, without = split_runs(SPACE, 160, stages), split_runs(SPACE, 160, ["screen", "search", "backtrack"])
    assert small["confirm"] == 0
    assert small["screen"] > without["screen"]
    assert split_runs(SPACE, 240, stages)["confirm"] == 24
    for asked in (stages, stages[:3], ["screen", "confirm"]):
        for runs in (60, 117, 239, 241):
            split = split_runs(SPACE, runs, asked)
            assert sum(split.values()) == runs
            assert split["confirm"] == 0 or split["confirm"] >= 24


def test_the_budget_of_a_stage_can_be_chosen() -> None:
    assert split_runs(SPACE, 100, ["confirm=10", "screen=60", "search=30"]) == {
        "screen": 60,
        "search": 30,
        "confirm": 10,
    }
    some = split_runs(SPACE, 100, ["screen=60", "search", "backtrack"])
    assert some["screen"] == 60
    assert sum(some.values()) == 100
    assert some["backtrack"] > some["search"] > 0
    assert split_runs(SPACE, 60, ["screen=60", "search"]) == {"screen": 60, "search": 0}


@pytest.mark.parametrize(
    ("runs", "stages", "message"),
    [
        (0, ["screen"], "positive"),
        (50, ["scren"], "expected some of"),
        (50, [], "expected some of"),
        (5, ["screen"], "more runs than"),
        (50, ["screen=many"], "such as screen=120"),
        (50, ["screen=60", "search"], "take 60 of 50 training runs; expected at most 50"),
        (50, ["screen=40"], "take 40 of 50 training runs; expected just 50"),
        (50, ["scren=40"], "expected some of"),
    ],
)
def test_a_budget_that_cannot_work_is_refused(runs: int, stages: list[str], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        split_runs(SPACE, runs, stages)


def test_from_records_to_the_next_plan() -> None:
    sweep = Sweep(SPACE, {"screen": 8, "search": 4}, seed=1, metric="error", mode="min")
    first = next_plan(sweep, [], ())
    assert isinstance(first, FixedPlan)
    assert len(first.trials) == first_of_screen(8) == 6
    # The screen's rest waits for its first part.
    waiting = next_plan(sweep, [run(planned, 0.5) for planned in first.trials[:5]], [first.trials[5]])
    assert waiting == FixedPlan([])
    some = [run(planned, 0.5) for planned in first.trials]
    second = next_plan(sweep, some, ())
    assert isinstance(second, FixedPlan)
    assert len(second.trials) == 2
    some.append(run(second.trials[0], 0.5))
    rest = next_plan(sweep, some, ())
    assert isinstance(rest, FixedPlan)
    assert list(rest.trials) == list(second.trials[1:])
    # The search waits for all of the screen: what it begins with must not depend on which worker was faster.
    assert next_plan(sweep, some, second.trials[1:]) == FixedPlan([])
    some.append(run(second.trials[1], 0.5))
    search = next_plan(sweep, some, ())
    assert isinstance(search, SearchPlan)
    assert len(search.ids) == 4
    everything = [run(planned, 0.5) for planned in (*first.trials, *second.trials)]
    everything += [run(PlannedTrial(i, "search", first.trials[0].config, (0,)), 0.5) for i in search.ids]
    assert next_plan(sweep, everything, ()) is None


def test_seeds_are_a_shared_pool_in_equal_parts() -> None:
    seeds = [planned.seeds[0] for planned in plan_screen(SPACE, 50, 3)]
    assert len(set(seeds)) == SEED_BLOCKS
    assert {seeds.count(seed) for seed in seeds} == {10}
    assert not set(seeds) & {planned.seeds[0] for planned in plan_screen(SPACE, 50, 4)}


def test_failures_are_told_as_finite_bad_values() -> None:
    planned = plan_screen(SPACE, 8, 0)[0]
    ok = objective(run(planned, 0.9), "min")
    for outcome in ("diverged", "crashed", "no_learning"):
        for value in (None, 0.1):
            told = objective(run(planned, value, outcome), "min")
            assert math.isfinite(told)
            assert told > 1.0 > ok
            assert objective(run(planned, value, outcome), "max") < 1.0
    assert math.isfinite(objective(run(planned, None, "crashed", chance=None), "max"))


def test_the_screen_is_the_searchs_start_up() -> None:
    """TPE that begins with the screen's trials prefers their better level from its first suggestion on."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    finished = [
        run(planned, {"sgd": 0.9, "adam": 0.2}[str(planned.config["optimiser"])])
        for planned in plan_screen(SPACE, 40, 0)
    ]
    study = build_study(optuna.storages.InMemoryStorage(), SPACE, "min", finished, make_sampler(0))
    assert len(study.trials) == 40
    picked = []
    for _ in range(20):
        trial = study.ask()
        suggest_levels(SPACE, trial)
        config = config_from(SPACE, trial.params)
        picked.append(config["optimiser"])
        study.tell(trial, 0.2 if config["optimiser"] == "adam" else 0.9)
    assert picked.count("adam") >= 15


def test_a_study_made_anew_holds_the_records_and_nothing_else() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.InMemoryStorage()
    finished = [run(planned, 0.5) for planned in plan_screen(SPACE, 12, 0)]
    build_study(storage, SPACE, "min", finished, make_sampler(0)).ask()
    again = build_study(storage, SPACE, "min", finished, make_sampler(0))
    assert [trial.state.name for trial in again.trials] == ["COMPLETE"] * 12


def test_conditional_levels_reach_optuna_only_where_active() -> None:
    for planned in plan_screen(SPACE, 16, 0):
        frozen = frozen_trial(SPACE, run(planned, 0.5), "min")
        assert ("momentum" in frozen.params) == (planned.config["optimiser"] == "sgd")
        assert config_from(SPACE, frozen.params) == planned.config
