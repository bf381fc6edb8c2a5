"""Backtracking on black boxes whose cause is known, all stages, without Ray."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from offline import analyse_offline, sweep_offline

from backtrack import Categorical, Composite, FunctionTask, Numeric
from backtrack.evidence.failures.backtracking import backtrack_all
from backtrack.evidence.failures.flips import FLIPS, MOST_TRIES, POWER, tries_for
from backtrack.evidence.failures.laboratory import LOW_GAIN, Laboratory, NotRun, Run, runs_of
from backtrack.evidence.frame import frame_from
from backtrack.records.rows import trial_rows
from backtrack.stages import Sweep, next_plan, split_runs
from backtrack.stages.backtrack import plan_backtrack
from backtrack.trial import run_trial
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.plan import EXTENSION, PROBE, FinishedTrial, FixedPlan

STAGES = ["screen", "search", "confirm", "backtrack"]
FACTORS = [
    Categorical("optimiser", ["sgd", "adam", "rmsprop"]),
    Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
    Categorical("order", ["forward", "reverse"]),
    Composite("init", levels={"default": dict.fromkeys("abc", "x"), "heuristic": dict.fromkeys("abc", "y")}),
    Categorical("norm", ["none", "layer", "batch"]),
    Categorical("clip", ["none", 0.25]),
    Numeric("lr", 1e-4, 1e-1, log=True),
]


def task(dead: Callable[[Mapping[str, Any]], bool], rate: float = 0.95, base: float = 0.02, gain: float = 0.1):
    def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        rng = random.Random(f"{sorted(config.items())} {seed}")
        fails = rng.random() < (rate if dead(config) else base)
        for epoch in range(1, 5):
            yield {
                "error": 1.0 if fails else 1 - 0.15 * epoch - gain * (config["norm"] == "layer") + rng.gauss(0, 0.02)
            }

    return FunctionTask("box", run=run, metric="error", mode="min", chance=1.0, factors=FACTORS)


CAUSES = {
    "one level": (lambda c: c["norm"] == "batch", ["norm=batch"]),
    "two levels": (lambda c: c["order"] == "forward" and c["norm"] == "none", ["norm=none", "order=forward"]),
    "a component": (lambda c: c["init.b"] == "y", ["init.b=y"]),
    "a component and a level": (
        lambda c: c["init.c"] == "y" and c["order"] == "reverse",
        ["init.c=y", "order=reverse"],
    ),
    "two components": (lambda c: c["init.a"] == "y" and c["init.c"] == "y", ["init.a=y", "init.c=y"]),
    "a number among names": (lambda c: c["clip"] == 0.25, ["clip=0.25"]),
    "a conditional level": (lambda c: c.get("momentum") == 0.9, ["momentum=0.9"]),
}


def test_a_background_that_then_fails_in_another_way_does_not_speak_against_the_cause() -> None:
    """Where a third of all trainings learn nothing by chance, every third background says nothing of what diverges."""

    def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        rng = random.Random(f"{sorted(config.items())} {seed}")
        diverges, stalls = config["norm"] == "batch", rng.random() < 1 / 3
        for epoch in range(1, 5):
            learnt = 1 - 0.15 * epoch + rng.gauss(0, 0.02)
            yield {"error": math.nan if diverges and epoch > 1 else 1.0 if stalls else learnt}

    box = FunctionTask("box", run=run, metric="error", mode="min", chance=1.0, factors=FACTORS)
    otherwise = 0
    for seed in range(5):
        causes = [one.cause for one in analyse_offline(box, sweep_offline(box, 160, seed, STAGES)).causes]
        (cause,) = [cause for cause in causes if cause.outcome == "diverged"]
        assert cause.cause == ("norm=batch",)
        assert cause.verified
        otherwise += sum(not flip.turned and not flip.stayed for flip in cause.mended)
    assert otherwise


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_found_down_to_the_component_and_verified(name: str) -> None:
    dead, expected = CAUSES[name]
    box = task(dead)
    (one,) = [one for one in analyse_offline(box, sweep_offline(box, 160, 3, STAGES)).causes if not one.cause.refuted]
    assert sorted(one.cause.cause) == expected
    assert one.cause.verified
    for way in (one.cause.broke, one.cause.mended):
        # Under each of the study's seeds, as long as runs are left.
        assert {flip.seed for flip in way} == {3000, 3001, 3002, 3003, 3004}
        assert sum(flip.turned for flip in way) >= max(FLIPS, len(way) - 2)
        assert len({flip.before for flip in way}) == len(way)
    assert one.inside[0] / one.inside[1] > 0.7 > 0.3 > one.outside[0] / one.outside[1]


def test_flips_under_further_seeds_come_after_every_investigation() -> None:
    box = task(lambda c: c["norm"] == "batch" or c["init.a"] == "y")
    split = {"screen": 90, "search": 4, "confirm": 6}
    unfinished = sweep_offline(box, 100, 4, split)
    settled = []
    while plan := plan_backtrack(box.space, unfinished, 100, box.metric, box.mode, 0.05):
        trials = trial_rows(box.space, *unfinished)
        _, wanted = backtrack_all(frame_from(box.space, trials), runs_of(box.space, trials, box.mode), 0.05)
        settled.append(not any(wanted))
        unfinished += [FinishedTrial(one, tuple(run_trial(box, one.config, one.seeds))) for one in plan]
    assert settled == sorted(settled) and settled[-1]


def test_a_cause_that_fails_half_of_the_time_is_not_refuted_by_luck() -> None:
    box = task(lambda c: c["norm"] == "batch", rate=0.5)
    states = []
    for seed in range(6):
        for one in analyse_offline(box, sweep_offline(box, 160, seed, STAGES)).causes:
            if one.cause.cause == ("norm=batch",):
                states.append("verified" if one.cause.verified else "refuted" if one.cause.refuted else "open")
    assert states.count("verified") >= 4 and states.count("refuted") <= 1, states


def test_tries_are_what_a_rate_needs() -> None:
    for rate in (0.4, 0.5, 0.7, 0.9, 0.95):
        tries = tries_for(rate)
        fewer = [
            sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(FLIPS)) for n in (tries, tries - 1)
        ]
        assert fewer[0] <= 1 - POWER < fewer[1] or tries == MOST_TRIES


def test_a_threshold_has_a_bracket_that_holds_it() -> None:
    box = task(lambda c: c["lr"] > 0.02)
    (one,) = analyse_offline(box, sweep_offline(box, 160, 1, STAGES)).causes
    (part,) = one.cause.parts
    assert (part.factor, part.sign) == ("lr", ">")
    assert part.bracket is not None
    assert part.bracket[0] <= 0.02 <= part.bracket[1]
    # 8 % of three decades.
    assert part.bracket[1] / part.bracket[0] < 10 ** (3 * 0.081)


def test_two_causes_of_one_outcome_are_kept_apart() -> None:
    box = task(lambda c: c["norm"] == "batch" or c["init.a"] == "y", base=0.0)
    causes = [one.cause for one in analyse_offline(box, sweep_offline(box, 240, 0, STAGES)).causes]
    assert {cause.cause for cause in causes if cause.verified} == {("norm=batch",), ("init.a=y",)}


def test_chance_is_no_cause() -> None:
    verified = 0
    for seed in range(10):
        box = task(lambda c: False, base=0.25)
        verified += sum(one.cause.verified for one in analyse_offline(box, sweep_offline(box, 80, seed, STAGES)).causes)
    assert verified == 0


def test_where_nothing_fails_the_worst_quarter_is_explained() -> None:
    box = task(lambda c: False, base=0.0, gain=-0.25)
    for seed in range(3):
        causes = [one.cause for one in analyse_offline(box, sweep_offline(box, 160, seed, STAGES)).causes]
        assert {cause.outcome for cause in causes} == {LOW_GAIN}
        assert causes[0].cause == ("norm=layer",) and causes[0].verified


def test_no_run_is_done_twice_and_all_are_spent() -> None:
    box = task(lambda c: c["norm"] == "batch")
    finished = sweep_offline(box, 240, 5, STAGES)
    assert sum(len(trial.results) for trial in finished) == 240
    done = [(t.planned.config, t.planned.seeds) for t in finished if t.planned.stage == "backtrack"]
    assert len(done) == len(set(done)) > 0
    extended = [t for t in finished if t.planned.part == EXTENSION]
    assert {t.planned.stage for t in extended} == {"confirm"}
    # The same for every order in which trainings ended, and from wherever it is resumed.
    sweep = Sweep(box.space, split_runs(box.space, 240, STAGES), 5, box.metric, box.mode)
    earlier = [t for t in finished if t not in extended]
    again = next_plan(sweep, [*earlier[::-1], *extended[:2]], ())
    assert isinstance(again, FixedPlan)
    assert list(again.trials) == [t.planned for t in extended[2:]]


def test_what_backtracking_leaves_of_few_runs_makes_the_screen_larger_and_changes_no_cause() -> None:
    for rule in (lambda c: c["norm"] == "batch", lambda c: False):
        box = task(rule, base=0.0, gain=-0.25)
        finished = sweep_offline(box, 120, 5, STAGES)
        earlier = [t for t in finished if t.planned.part != EXTENSION]
        assert {t.planned.stage for t in finished if t not in earlier} == {"screen"}
        found, before = analyse_offline(box, finished), analyse_offline(box, earlier)
        causes, known = (
            [(c.cause.cause, c.cause.tried, c.inside, c.outside) for c in a.causes] for a in (found, before)
        )
        assert causes == known
        asked, fewer = (len(a.responses["failure"].response.y) for a in (found, before))
        assert asked - fewer == len(finished) - len(earlier)


def test_what_backtracking_leaves_goes_on_searching_where_nothing_is_suspected() -> None:
    """Without noise the screen settles everything: fresh runs would have nothing to ask."""
    box = FunctionTask(
        "exact",
        run=lambda config, seed: iter([{"error": 0.9}, {"error": 0.5 + 0.1 * (config["a"] == "x")}]),
        metric="error",
        mode="min",
        chance=1.0,
        factors=[Categorical("a", ["x", "y"]), Categorical("b", ["x", "y"])],
    )
    finished = sweep_offline(box, 240, 1, STAGES)
    extended = [t for t in finished if t.planned.part == EXTENSION]
    assert {t.planned.stage for t in extended} == {"search"}


RUNS = [
    Run("t", "backtrack", PROBE, Config({"a": 1}), seed, "diverged" if seed in (0, 2, 3) else "ok") for seed in range(4)
]


def test_a_test_ends_when_the_odds_are_clear() -> None:
    box = task(lambda c: False)
    lab = Laboratory(box.space, RUNS, (0, 1, 2, 3, 4))
    # 18 to 1 for a failure, 9.5 to 1 for a pass: fail, pass, fail leave 34 to 1.
    assert lab.fails(Config({"a": 1}), "diverged", (1.0, 0.0))
    assert lab.used == 3


def test_what_is_not_recorded_is_asked_for() -> None:
    box = task(lambda c: False)
    with pytest.raises(NotRun) as missing:
        Laboratory(box.space, [], (7, 8, 9)).fails(Config({"a": 1}), "diverged", (1.0, 0.0))
    assert [one.seed for one in missing.value.wanted] == [7, 8]


def test_the_order_in_which_trainings_ended_changes_no_question() -> None:
    """Workers finish out of order; the report reads the records in theirs, and must find what the stage had asked."""
    box = task(lambda c: c["order"] == "forward" and c["norm"] == "none")
    split = {"screen": 90, "search": 4, "confirm": 6, "backtrack": 40}
    ended = [one for one in sweep_offline(box, 140, 3, split) if one.planned.stage != "backtrack"]
    ended = [one for one in ended if one.planned.part != EXTENSION]
    sweep = Sweep(box.space, split, 3, box.metric, box.mode)
    orders = [ended, ended[::-1], random.Random(0).sample(ended, len(ended))]
    plans = [next_plan(sweep, order, ()) for order in orders]
    assert plans[0] is not None and plans[0].trials
    assert plans[0] == plans[1] == plans[2]
