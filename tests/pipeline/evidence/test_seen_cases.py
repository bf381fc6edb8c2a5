"""Trainings that nobody here planned, and what was once said of them that was wrong; small black boxes of each."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from offline import analyse_offline, sweep_offline

from backtrack import Categorical, FunctionTask, Numeric
from backtrack.evidence.analysis import Analysis
from backtrack.evidence.failures.causes import ExplainedCause
from backtrack.views.cause_sentences import cause_sentence
from backtrack.views.findings import findings_of
from backtrack.vocabulary.factors import Factor

STAGES = ["screen", "search", "confirm", "backtrack"]
# What a training ends in: an outcome, an exception, or the error that it reaches.
End = str | Exception | float


def swept(end: Callable[[Mapping[str, Any], random.Random], End], factors: list[Factor], runs: int = 160) -> Analysis:
    """The analysis of a sweep over a black box of which only the end is told; chance is 1."""

    def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        rng = random.Random(f"{sorted(config.items())} {seed}")
        reached = end(config, rng)
        if isinstance(reached, Exception):
            raise reached
        for epoch in range(1, 5):
            if reached == "no_learning":
                yield {"error": 1.0 + rng.gauss(0, 0.002)}
            elif reached == "diverged":
                yield {"error": math.nan if epoch > 1 else 2.0}
            else:
                assert isinstance(reached, float)
                yield {"error": 1.0 + (reached - 1.0) * epoch / 4 + rng.gauss(0, 0.01)}

    box = FunctionTask("box", run=run, metric="error", mode="min", chance=1.0, factors=factors)
    return analyse_offline(box, sweep_offline(box, runs, 1, STAGES))


def standing(analysis: Analysis) -> list[ExplainedCause]:
    return [one for one in analysis.causes if not one.cause.refuted]


OTHERS: list[Factor] = [Categorical("depth", [2, 4, 8]), Categorical("cells", ["rnn", "gru"])]
RATE = Numeric("lr", 1e-4, 10.0, log=True)


def test_a_rule_is_a_set_of_levels() -> None:
    """It named boosting_type=goss, "verified" by 3 flips of 8."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["boosting_type"] == "goss" and config["bagging_fraction"] < 1:
            return ValueError("cannot use bagging in GOSS")
        return 0.5

    factors = [Categorical("boosting_type", ["gbdt", "dart", "goss"]), Categorical("bagging_fraction", [0.3, 0.8, 1.0])]
    (one,) = standing(swept(end, [*factors, *OTHERS]))
    assert set(one.cause.cause) == {"boosting_type=goss", "bagging_fraction<1"}
    assert one.cause.verified
    assert one.inside[0] == one.inside[1]
    assert one.outside[0] == 0
    # Every flip that put it in broke, with either fraction.
    assert all(flip.turned for flip in (*one.cause.broke, *one.cause.mended))


def test_a_threshold_with_few_failures() -> None:
    """Six of nine runs beyond it failed and none below, and no rule was found."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return "diverged" if config["lr"] > 2.8 and rng.random() < 0.7 else 0.5

    (one,) = standing(swept(end, [RATE, *OTHERS], runs=110))
    (condition,) = one.cause.parts or one.cause.rule.conditions  # type: ignore[union-attr]
    assert (condition.factor, condition.sign) == ("lr", ">")
    assert 1.6 < condition.number < 5


def test_two_ends_of_a_scale_are_two_causes() -> None:
    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["lr"] > 1 and rng.random() < 0.8:
            return "diverged"
        return "no_learning" if config["lr"] < 1e-3 and rng.random() < 0.9 else 0.5

    found = {one.cause.outcome: one.cause.cause for one in standing(swept(end, [RATE, *OTHERS]))}
    assert set(found) == {"diverged", "no_learning"}
    assert found["diverged"][0].startswith("lr>")
    assert found["no_learning"][0].startswith("lr<")


def test_one_cause_with_several_outcomes_has_one_card() -> None:
    """It had two cards, neither verified, and a rate that left out the runs that failed in another way."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["cleared"] == "never" and rng.random() < 0.95:
            return "diverged" if config["lr"] > 0.03 else "no_learning"
        return 0.5

    (one,) = standing(swept(end, [Categorical("cleared", ["each_step", "never"]), RATE, *OTHERS]))
    assert one.cause.cause == ("cleared=never",)
    assert one.cause.verified
    assert set(one.outcomes) == {"diverged", "no_learning"}
    assert sum(one.outcomes.values()) == one.inside[0]
    assert "diverged (" in cause_sentence(one)


def test_an_amplifier_is_no_cause() -> None:
    """It was part of the cause, and taking it out was called an equal repair, after which runs hardly trained."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["container"] != "list":
            return 0.2
        fails = 0.8 if config["activation"] == "relu" else 0.25
        return "no_learning" if rng.random() < fails else 0.8

    factors: list[Factor] = [
        Categorical("container", ["module_list", "list"]),
        Categorical("activation", ["tanh", "relu"]),
    ]
    (one,) = standing(swept(end, [*factors, *OTHERS]))
    assert one.cause.cause == ("container=list",)
    assert [part.factor for part in one.cause.repairs or one.cause.parts] == ["container"]


def test_rates_count_every_run_however_it_ended() -> None:
    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["targets"] == "raw" and rng.random() < 0.9:
            return "diverged" if config["activation"] == "relu" and rng.random() < 0.25 else "no_learning"
        return 0.5

    factors: list[Factor] = [Categorical("targets", ["scaled", "raw"]), Categorical("activation", ["tanh", "relu"])]
    analysis = swept(end, [*factors, *OTHERS])
    (one,) = standing(analysis)
    assert one.cause.cause == ("targets=raw",)
    before = analysis.frame.of_stages(("screen", "search", "confirm")).before_backtracking
    assert one.inside[1] == int((before.levels["targets"] == "raw").sum())


def test_a_level_that_crashes_each_time_is_named_with_few_runs() -> None:
    """lbfgs crashed six times of six and adam never, and "they are chance" was said."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return TypeError("step() needs a closure") if config["optimiser"] == "lbfgs" else 0.5

    (one,) = standing(swept(end, [Categorical("optimiser", ["adam", "lbfgs"]), OTHERS[0]], runs=16))
    assert one.cause.cause == ("optimiser=lbfgs",)


def test_where_everything_crashed_nothing_is_called_chance() -> None:
    analysis = swept(lambda config, rng: TypeError("no such argument"), [RATE, *OTHERS], runs=24)
    findings = findings_of(analysis, "error", {"screen": 24})
    text = " ".join([*findings.failed, *findings.why, *findings.next])
    assert "chance" not in text
    assert "Every training failed" in text
    assert not analysis.causes


def test_crashes_of_two_kinds_are_two_causes() -> None:
    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        if config["cells"] == "gru":
            return KeyError("hidden")
        return ValueError(f"expected {rng.randrange(99)} rows") if config["depth"] == 8 else 0.5

    found = standing(swept(end, [RATE, *OTHERS]))
    assert sorted(one.cause.cause for one in found) == [("cells=gru",), ("depth=8",)]
    errors = {one.cause.rule.error for one in found if one.cause.rule}
    assert {error.partition(" (")[0] for error in errors} >= {"KeyError: 'hidden'"}
    assert any("crashed (KeyError: 'hidden' at test_seen_cases.py:" in cause_sentence(one) for one in found)


def test_one_message_at_two_places_is_two_causes() -> None:
    def run(config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        if config["cells"] == "gru":
            raise ValueError("sizes differ")
        if config["depth"] == 8:
            raise ValueError("sizes differ")
        yield {"error": 0.5}

    box = FunctionTask("box", run=run, metric="error", mode="min", chance=1.0, factors=[RATE, *OTHERS])
    found = standing(analyse_offline(box, sweep_offline(box, 160, 1, STAGES)))
    assert sorted(one.cause.cause for one in found) == [("cells=gru",), ("depth=8",)]


def test_a_level_named_as_nothing_is_a_level() -> None:
    """ "-" was the mark for a factor that does not exist, and never became a cause."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return "no_learning" if config["clip"] == "-" else 0.5

    (one,) = standing(swept(end, [Categorical("clip", ["-", "norm", "value"]), RATE, *OTHERS]))
    assert one.cause.cause == ("clip=-",)
    assert one.cause.verified


def test_what_comes_from_a_child_is_said_of_the_child() -> None:
    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return "no_learning" if config.get("stepped") == "batch" else 0.3 if config["schedule"] == "step" else 0.5

    factors: list[Factor] = [
        Categorical("schedule", ["none", "step"]),
        Categorical("stepped", ["epoch", "batch"], when={"schedule": ["step"]}),
    ]
    analysis = swept(end, [*factors, RATE, *OTHERS])
    (one,) = standing(analysis)
    assert one.cause.cause == ("stepped=batch",)
    assert analysis.best is not None
    assert analysis.best["config"]["schedule"] == "step"


def helped(analysis: Analysis) -> str:
    return " ".join(findings_of(analysis, "error", {"screen": 120}).helped)


def test_a_factor_that_is_active_through_a_pair_is_told_as_that_pair() -> None:
    """Batch norm with batches of two is bad, with batches of sixteen good, and "batch_size: best 2" was said."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        small = config["batch_size"] == 2
        if config["norm"] == "batch":
            return (0.75 if small else 0.45) + rng.gauss(0, 0.03)
        return (0.45 if small else 0.75) + rng.gauss(0, 0.03)

    factors: list[Factor] = [Categorical("batch_size", [2, 16]), Categorical("norm", ["none", "batch"])]
    text = helped(swept(end, [*factors, *OTHERS], runs=120))
    assert "matter together" in text
    assert "16 with norm batch" in text or "batch with batch_size 16" in text
    assert "; best 2)" not in text
    assert "; best none)" not in text


def test_a_few_disasters_are_told_once_and_not_as_a_gain() -> None:
    """Five runs of one corner ended at 6 where others end at 4; all had dropout 0, and dropout was said to help."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        corner = config["lr"] > 1 and config["cells"] == "rnn" and config["depth"] == 8
        return 0.9 + 0.05 * rng.random() if corner else 0.4 + rng.gauss(0, 0.01)

    factors: list[Factor] = [RATE, *OTHERS, *(Categorical(f"other{n}", ["a", "b"]) for n in range(6))]
    analysis = swept(end, factors, runs=100)
    found = analysis.responses["gain"].carried
    assert found is not None
    worst = {trial for trial, value in zip(analysis.frame.trial, analysis.frame.value, strict=True) if value > 0.8}
    assert set(found.trials) <= worst
    text = helped(analysis)
    assert f"{len(found.trials)} runs end far from all others" in text
    assert not any(f"other{n} (" in text for n in range(6))


def test_a_real_effect_is_not_called_carried_by_a_few_runs() -> None:
    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return 0.5 + 0.1 * (config["cells"] == "rnn") + rng.gauss(0, 0.03)

    analysis = swept(end, [RATE, *OTHERS], runs=100)
    assert "cells (" in helped(analysis)
    assert analysis.responses["gain"].carried is None


def test_an_effect_that_explains_nothing_is_no_help() -> None:
    """A factor whose effect is surely there, and which a hundredth of the variance would not miss."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        return 0.2 + 0.1 * config["depth"] / 2 + 0.002 * (config["cells"] == "rnn")

    analysis = swept(end, list(OTHERS), runs=120)
    (cells,) = [one for one in analysis.responses["gain"].factors if one.factor.name == "cells"]
    assert cells.verdict != "active"
    assert "cells (" not in helped(analysis)


def test_a_parent_is_judged_at_its_childs_good_level() -> None:
    """Stepped per batch a schedule is bad, per epoch it is the best: "schedule: best none, gain .366" was said."""

    def end(config: Mapping[str, Any], rng: random.Random) -> End:
        reached = {None: 0.5, "epoch": 0.4, "batch": 0.8}[config.get("stepped")]
        return reached + rng.gauss(0, 0.02)

    factors: list[Factor] = [
        Categorical("schedule", ["none", "step"]),
        Categorical("stepped", ["epoch", "batch"], when={"schedule": ["step"]}),
    ]
    analysis = swept(end, [*factors, RATE, *OTHERS])
    effects = {effect.factor.name: effect for effect in analysis.responses["gain"].factors}
    assert effects["stepped"].verdict == "active"
    assert effects["stepped"].best_level == "epoch"
    assert effects["schedule"].best_level == "step"
    text = helped(analysis)
    assert "best is step with stepped=epoch; on average over stepped, none looks better" in text
