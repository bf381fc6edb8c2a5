"""The screen's rest is moved out of where its first part failed; what it then is evidence of, and what not."""

from __future__ import annotations

import random

import numpy as np
from offline import analyse_offline, sweep_offline

from backtrack import Categorical, FunctionTask, Numeric, SearchSpace
from backtrack.stages import Sweep, next_plan
from backtrack.stages.screen import first_of_screen, plan_screen
from backtrack.views.findings import findings_of
from backtrack.vocabulary.plan import REFINED

SPACE = SearchSpace(
    (
        Categorical("a", ["a0", "a1", "a2", "a3"]),
        Categorical("b", ["b0", "b1"]),
        Categorical("inner", ["i0", "i1"], when={"a": ["a1"]}),
        Categorical("c", ["c0", "c1", "c2"]),
        Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
    )
)


def box(doomed):
    def run(config, seed):
        text = repr(sorted((name, str(level)) for name, level in config.items()))
        noise = float(np.random.default_rng([seed, *text.encode()]).normal())
        for _ in range(3):
            yield {"error": 1.0 if doomed(config) else 0.5 + 0.02 * (config["c"] == "c0") + 0.03 * noise}

    return FunctionTask(name="box", run=run, metric="error", mode="min", chance=1.0, factors=list(SPACE))


def screen(doomed, runs=120, seed=0):
    return sweep_offline(box(doomed), runs, seed, {"screen": runs})


def test_without_failures_the_screen_is_the_balanced_design_as_drawn():
    finished = screen(lambda config: False)
    assert [trial.planned for trial in finished] == plan_screen(SPACE, 120, 0)


def test_the_rest_leaves_the_failing_region_and_keeps_what_else_was_designed(monkeypatch):
    def doomed(config):
        return config["a"] == "a0" and config["b"] == "b0"

    # An eighth of the runs: not worth it by itself.
    assert [trial.planned for trial in screen(doomed)] == plan_screen(SPACE, 120, 0)
    monkeypatch.setattr("backtrack.stages.screen.WORTH_MOVING", 0.05)
    designed = plan_screen(SPACE, 120, 0)
    finished = screen(doomed)
    rest = finished[first_of_screen(120) :]
    assert all(trial.planned.part == REFINED and trial.planned.stage == "screen" for trial in rest)
    assert not any(doomed(trial.planned.config) for trial in rest)
    moved = 0
    for trial, planned in zip(finished, designed, strict=True):
        assert trial.planned.seeds == planned.seeds
        changed = {name for name in ("a", "b", "c", "lr") if trial.planned.config[name] != planned.config[name]}
        moved += bool(changed)
        assert bool(changed) == (trial in rest and doomed(planned.config))
        assert len(changed & {"a", "b"}) == len(changed) <= 2, "only the rule's own factors are drawn anew"
        assert SPACE.config(trial.planned.config) == trial.planned.config
    assert moved > 3
    # Both ways out are taken: neither level of the rule is lost to the gain.
    assert {trial.planned.config["a"] for trial in rest} == {"a0", "a1", "a2", "a3"}
    assert {trial.planned.config["b"] for trial in rest} == {"b0", "b1"}


def test_a_region_where_many_train_is_kept():
    planned = [trial.planned for trial in screen(lambda config: config["b"] == "b0" and config["lr"] > 0.003)]
    assert any(one.part == REFINED for one in planned), "a region where all fail is left"

    def half(config):
        # A draw that each config has by its learning rate: six of ten fail under b0.
        return config["b"] == "b0" and float(np.random.default_rng(int(config["lr"] * 1e9)).random()) < 0.6

    assert [trial.planned for trial in screen(half)] == plan_screen(SPACE, 120, 0)


def test_thresholds_are_left_too():
    rest = screen(lambda config: config["lr"] > 0.01)[first_of_screen(120) :]
    assert sum(trial.planned.config["lr"] > 0.012 for trial in rest) <= 1
    assert {trial.planned.trial.split("-")[0] for trial in rest} == {REFINED}


def test_it_is_evidence_for_the_gain_and_not_for_failures():
    def doomed(config):
        return config["b"] == "b0"

    finished = screen(doomed)
    found = analyse_offline(box(doomed), finished)
    failure, gain = found.responses["failure"].response, found.responses["gain"].response
    assert len(failure.y) == first_of_screen(120)
    assert 0.4 < failure.y.mean() < 0.6, "the rate of a fair sample"
    assert len(gain.y) == sum(trial.results[0].outcome == "ok" for trial in finished)
    assert len(gain.y) > 0.6 * 120, "more than the half that trains in the whole space"
    assert "36 of its runs moved out" in findings_of(found, "error", {"screen": 120}).sure[0]
    assert len(found.responses["gain_with_failures"].response.y) == first_of_screen(120)


def test_the_order_in_which_trainings_ended_changes_nothing():
    def doomed(config):
        return config["b"] == "b0"

    sweep = Sweep(SPACE, {"screen": 120}, 0, "error", "min")
    finished = screen(doomed)
    first, rest = finished[: first_of_screen(120)], finished[first_of_screen(120) :]
    shuffled = random.Random(1).sample(first, len(first))
    assert [one.trial for one in next_plan(sweep, shuffled, ()).trials] == [one.planned.trial for one in rest]
    # Until the first part is complete, the rest waits: another failure may still show another region.
    assert next_plan(sweep, shuffled[1:], [shuffled[0].planned]).trials == []
    assert next_plan(sweep, [*shuffled, *rest[:5]], ()).trials == [trial.planned for trial in rest[5:]]
    assert next_plan(sweep, finished, ()) is None
