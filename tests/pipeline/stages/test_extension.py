"""An extension's runs: balanced, apart from the others, and the same when they are asked for again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from backtrack import Categorical, Config, FinishedTrial, Numeric, PlannedTrial, RunResult, SearchSpace
from backtrack.evidence.failures.backtracking import backtrack_all
from backtrack.evidence.failures.laboratory import runs_of
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows
from backtrack.stages import Sweep, next_plan
from backtrack.stages.extension import Extension, plan_evidence
from backtrack.vocabulary.plan import MORE

SPACE = SearchSpace(
    (
        Numeric("lr", 1e-4, 1e-1, log=True),
        Categorical("optimiser", ["sgd", "adam"]),
        Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
        Categorical("norm", ["batch", "layer", "none"]),
    )
)


def extension(**more):
    fields = {"number": 1, "evidence": 24, "flips": 0, "began": 0, "held": {}, "moved": True} | more
    return Extension(**fields)


def finished(planned: PlannedTrial, outcome: str = "ok") -> FinishedTrial:
    return FinishedTrial(planned, tuple(RunResult(seed, outcome, 0.5) for seed in planned.seeds))


def test_fresh_runs_are_balanced_and_keep_their_conditions():
    one = extension()
    planned = plan_evidence(SPACE, one, one.ids(24), [], 0, 0.05)
    assert Counter(trial.config["norm"] for trial in planned) == {"batch": 8, "layer": 8, "none": 8}
    assert all(("momentum" in trial.config) == (trial.config["optimiser"] == "sgd") for trial in planned)
    assert {trial.part for trial in planned} == {MORE} and {trial.stage for trial in planned} == {"screen"}
    assert planned == plan_evidence(SPACE, one, one.ids(24), [], 0, 0.05)


def test_each_extension_draws_its_own_configs():
    first = plan_evidence(SPACE, extension(), ["a"] * 24, [], 0, 0.05)
    second = plan_evidence(SPACE, extension(number=2), ["a"] * 24, [], 0, 0.05)
    assert [trial.config for trial in first] != [trial.config for trial in second]


def test_held_factors_stay_where_they_are():
    planned = plan_evidence(SPACE, extension(held={"optimiser": "adam"}), ["a"] * 12, [], 0, 0.05)
    assert {trial.config["optimiser"] for trial in planned} == {"adam"}
    assert all("momentum" not in trial.config for trial in planned)


def test_a_block_has_seeds_of_its_own():
    own = {trial.seeds for trial in plan_evidence(SPACE, extension(block=True), ["a"] * 12, [], 0, 0.05)}
    shared = {trial.seeds for trial in plan_evidence(SPACE, extension(), ["a"] * 12, [], 0, 0.05)}
    assert not own & shared


def run_all(sweep: Sweep, done: list[FinishedTrial]) -> list[FinishedTrial]:
    """Carries out a sweep in which nothing fails."""
    while (plan := next_plan(sweep, done, ())) is not None:
        trials = list(plan.trials)
        assert trials, "it waits for nothing"
        done += [finished(trial) for trial in trials]
    return done


def test_a_complete_study_goes_on_where_it_is_extended():
    sweep = Sweep(SPACE, {"screen": 24}, 0, "error", "min")
    done = run_all(sweep, [])
    assert len(done) == 24
    longer = replace(sweep, extensions=(extension(evidence=12),))
    # An interrupted extension runs what is missing, and no more.
    plan = next_plan(longer, done, ())
    assert plan is not None
    half = [*done, *(finished(trial) for trial in plan.trials[:5])]
    rest = next_plan(longer, half, ())
    assert rest is not None and [trial.trial for trial in rest.trials] == [trial.trial for trial in plan.trials[5:]]
    assert len(run_all(longer, half)) == 36
    twice = replace(longer, extensions=(extension(evidence=12), extension(number=2, evidence=8)))
    assert len(run_all(twice, run_all(longer, done))) == 44


def test_flips_that_nothing_wants_become_evidence():
    sweep = Sweep(SPACE, {"screen": 24}, 0, "error", "min", extensions=(extension(evidence=6, flips=6),))
    done = run_all(sweep, [])
    assert Counter(trial.planned.part for trial in done) == {"design": 24, MORE: 12}


def test_where_trainings_fail_is_left():
    rule = [
        finished(
            PlannedTrial(f"screen-{n:05d}", "screen", config, (0,)),
            "ok" if config["optimiser"] == "adam" else "crashed",
        )
        for n, config in enumerate(
            Config({"lr": 0.01, "optimiser": "sgd" if n % 2 else "adam", "norm": "none"}) for n in range(40)
        )
    ]
    moved = plan_evidence(SPACE, extension(), ["a"] * 24, rule, 0, 0.05)
    assert {trial.config["optimiser"] for trial in moved} == {"adam"}
    kept = plan_evidence(SPACE, extension(moved=False), ["a"] * 24, rule, 0, 0.05)
    assert {trial.config["optimiser"] for trial in kept} == {"adam", "sgd"}


def test_more_runs_leave_the_rules_that_are_being_verified_as_they_were():
    def causes(done: list[FinishedTrial]) -> list[tuple[str, ...]]:
        rows = trial_rows(SPACE, *done)
        return [one.cause for one in backtrack_all(frame_from(SPACE, rows), runs_of(SPACE, rows, "min"), 0.05)[0]]

    def run(number: int, name: str, part: str, fails: bool) -> FinishedTrial:
        optimiser, norm = ("sgd", "adam")[number % 2], ("batch", "layer", "none")[number % 3]
        config = SPACE.repair({"lr": 0.01, "optimiser": optimiser, "norm": norm, "momentum": 0.9}, {})
        planned = PlannedTrial(f"{name}-{number:05d}", "screen", config, (0,), part)
        bad = fails and norm == "none"
        return finished(planned, "crashed" if bad else "ok")

    first = [run(number, "screen", "design", True) for number in range(36)]
    more = [run(number, "more-01", MORE, False) for number in range(36)]
    # Alone the later runs would speak against the rule, and with them together it would be another.
    assert causes(first) == causes([*first, *more]) == [("norm=none",)]
    # Where the first runs show no rule, all are asked.
    quiet = [run(number, "screen", "design", False) for number in range(36)]
    loud = [run(number, "more-01", MORE, True) for number in range(36)]
    assert causes(quiet) == [] and causes([*quiet, *loud]) == [("norm=none",)]
