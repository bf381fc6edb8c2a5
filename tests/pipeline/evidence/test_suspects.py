"""p-values from screen and fresh runs: valid although the screen chose the questions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest
from offline import analyse_offline, sweep_offline

from backtrack import Categorical, FunctionTask, Numeric
from backtrack.evidence.effects.questions import Questions, ask
from backtrack.evidence.effects.suspects import Suspect, fresh_contrasts
from backtrack.evidence.failures.failure_rules import all_failure_rules
from backtrack.evidence.frame import frame_from
from backtrack.evidence.responses.responses import gain_of
from backtrack.records.rows import trial_rows, trials_schema
from backtrack.stages.confirm import narrowed

FACTORS = [
    *(Categorical(f"f{number}", ["a", "b", "c"]) for number in range(4)),
    Categorical("inner", ["x", "y"], when={"f3": ["c"]}),
    Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"),
]


def box(effect: float = 0.0, dead: bool = False) -> FunctionTask:
    def run(config, seed: int) -> Iterator[dict[str, float]]:
        rng = random.Random(f"{sorted(config.items())} {seed}")
        fails = dead and config["f3"] == "c"
        for epoch in range(1, 4):
            yield {"error": 1.0 if fails else 0.9 - 0.2 * epoch + effect * (config["f0"] == "b") + rng.gauss(0, 0.03)}

    return FunctionTask("box", run=run, metric="error", mode="min", chance=1.0, factors=FACTORS)


def test_the_error_rate_holds_with_fresh_runs_for_what_the_screen_suspects() -> None:
    """80 sweeps where nothing is true: at 5 %, more than nine alarms happen once in a hundred such tests."""
    alarms = 0
    for seed in range(80):
        found = analyse_offline(box(), sweep_offline(box(), 60, seed, {"screen": 52, "confirm": 8})).responses["gain"]
        questions = [*found.factors, *found.interactions]
        alarms += any(question.verdict == "active" for question in questions)
    assert alarms <= 9


def test_fresh_runs_settle_what_the_screen_left_open() -> None:
    """A third of the runs in fresh contrasts finds a weak effect far more often than the same screen without them, and
    does not find what is not there."""
    with_fresh, screen_only, false = 0, 0, 0
    for seed in range(30):
        finished = sweep_offline(box(0.028), 90, seed, {"screen": 60, "confirm": 30})
        screen = [trial for trial in finished if trial.planned.stage == "screen"]
        for trials in (finished, screen):
            effects = analyse_offline(box(0.028), trials).responses["gain"].factors
            hit = any(e.factor.name == "f0" and e.verdict == "active" for e in effects)
            with_fresh += hit and trials is finished
            screen_only += hit and trials is screen
            false += any(e.factor.name != "f0" and e.verdict == "active" for e in effects)
    # By chance alone, with p = 1/2 for each sweep that differs, five more would come once in some twenty tests.
    assert with_fresh >= screen_only + 5
    assert false <= 6, "alpha is .05: of 60 analyses three, more than six once in thirty tests"


def lucky(config, seed: int) -> Iterator[dict[str, float]]:
    """Seeds bring three times the noise, and f1 seven times; nothing else is true."""
    rng = random.Random(f"{sorted(config.items())} {seed}")
    luck = random.Random(seed).gauss(0, 0.1)
    yield {"error": 1.0}
    yield {"error": 0.5 + luck + 0.2 * (config["f1"] == "b") + rng.gauss(0, 0.03)}


def test_fresh_contrasts_are_as_sure_as_they_say_and_need_not_learn_anew_what_the_screen_knows() -> None:
    """Two dozen fresh runs: of what is inert, estimate / error has the spread of a standard deviate; and that error is
    the noise's own, 2 σ / √n for a factor, twice that for a pair, however much seeds and other factors matter."""
    task = FunctionTask("lucky", run=lucky, metric="error", mode="min", chance=1.0, factors=FACTORS)
    deviates, inflation = [], []
    for seed in range(25):
        finished = sweep_offline(task, 114, seed, {"screen": 90, "confirm": 24})
        frame = frame_from(task.space, trial_rows(task.space, *finished))
        screen = ask(gain_of(frame.rows(frame.stage == "screen"), "error", "min"), 0.05)
        pooled = ask(gain_of(frame, "error", "min"), 0.05).model
        suspects = screen.suspects(0.05, 24)
        for suspect, fresh in zip(suspects, fresh_contrasts(suspects, pooled), strict=True):
            if fresh is None or set(suspect.names) & {"inner", "lr"}:
                # The one exists in a third of the runs; the other is often beside the two points that are compared.
                continue
            deviates.append(fresh.estimate / fresh.error)
            inflation.append(fresh.error / (0.03 * 2 ** len(suspect.names) / np.sqrt(24)))
    assert len(deviates) >= 40
    assert 0.6 < np.std(deviates) < 1.4
    assert 0.9 < np.median(inflation) < 1.4


def test_failing_levels_are_left_out_of_fresh_runs_and_suspects_keep_two() -> None:
    task = box(dead=True)
    finished = sweep_offline(task, 60, 0, ["screen"])
    frame = frame_from(
        task.space,
        pa.concat_tables([trials_schema(task.space).empty_table(), *(trial_rows(task.space, t) for t in finished)]),
    )
    rules = all_failure_rules(frame)
    suspects = [Suspect(("f0",), ("a",), ("c",), 1.0, 0.01), Suspect(("lr",), (0.025,), (0.975,), -1.0, 0.01)]
    space, fixed = narrowed(frame, suspects, rules)
    low, high = space["lr"].levels
    assert (task.space["lr"].share(low), task.space["lr"].share(high)) == pytest.approx((0.025, 0.975), abs=1e-4)
    assert list(space["f0"].levels) == ["a", "c"]
    assert list(space["f3"].levels) == ["a", "b"]
    assert list(space["f1"].levels) == ["a", "b", "c"]
    assert "inner" not in [factor.name for factor in space]
    assert fixed == {}
    confirmed = sweep_offline(task, 60, 0, {"screen": 52, "confirm": 8})
    assert {t.planned.config["f3"] for t in confirmed if t.planned.stage == "confirm"} == {"a", "b"}
    assert np.all([r.outcome == "ok" for t in confirmed if t.planned.stage == "confirm" for r in t.results])


def test_suspects_are_judged_with_the_number_of_runs_that_they_were_planned_with(monkeypatch) -> None:
    """Half of the fresh runs crash: the stage still chose its suspects by all of them, and so must the analysis."""
    counted = []

    class Counting(Questions):
        def suspects(self, alpha, runs):
            counted.append(runs)
            return super().suspects(alpha, runs)

    def run(config, seed):
        if seed % 2 and config["f1"] == "a":
            raise ValueError("some runs crash")
        yield from box(0.1).run(config, seed)

    task = replace(box(0.1), run=run)
    finished = sweep_offline(task, 90, 0, {"screen": 60, "confirm": 30})
    assert sum(trial.results[0].outcome == "crashed" for trial in finished if trial.planned.stage == "confirm")
    monkeypatch.setattr("backtrack.evidence.analysis.ask", lambda *given: _as(Counting, ask(*given)))
    analyse_offline(task, finished)
    assert set(counted) == {30}


def _as(kind, found):
    return kind(**{field.name: getattr(found, field.name) for field in fields(found)})
