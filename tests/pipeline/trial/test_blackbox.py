"""Black boxes that do not report as they should end as crashes that say what to write."""

from __future__ import annotations

import sys
import time

import pytest

from backtrack import Categorical, FunctionTask, report
from backtrack.trial import run_replicate


def outcome(run) -> tuple[str, str]:
    task = FunctionTask("mine", run, "error", "min", [Categorical("a", [1, 2])], chance=1.0)
    result = run_replicate(task, task.space.config({"a": 1}), 0)
    return result.outcome, result.error


def nothing(config, seed):
    return
    yield


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (nothing, "ended without a report; expected it to yield a dict with its metric 'error' at least once"),
        (lambda config, seed: 0.5, "returned 0.5; expected it to yield dicts such as {'error': 0.5}"),
        (lambda config, seed: None, "or to call backtrack.report(error=…)"),
        (lambda config, seed: iter([{"loss": 0.5}]), "has a number under its metric 'error'; they have loss"),
        (lambda config, seed: iter([0.5]), "yielded 0.5; expected a dict of numbers such as {'error': 0.5}"),
        (lambda config, seed: iter([{"error": "low"}]), "they have no numbers"),
        (lambda config, seed: sys.exit(2), "ends the process (SystemExit: 2); expected it to yield reports"),
    ],
)
def test_a_black_box_that_yields_nothing_is_a_crash_with_a_message_of_its_own(run, said: str) -> None:
    ended, error = outcome(run)
    assert ended == "crashed"
    assert said in error.splitlines()[-1]


def program(run):
    task = FunctionTask("mine", run, "error", "min", [Categorical("a", [1, 2])], chance=1.0)
    return run_replicate(task, task.space.config({"a": 1}), 0)


def test_a_dict_may_be_returned() -> None:
    result = program(lambda config, seed: {"error": 0.25, "model": "mlp", "best": {"step": 3}})
    assert (result.outcome, result.value) == ("ok", 0.25)
    assert {point.name: point.value for point in result.curve} == {"error": 0.25, "best_step": 3.0}


def test_the_metric_may_be_absent_from_some_reports() -> None:
    result = program(lambda config, seed: iter([{"loss": 3.0, "note": None}, {"error": 0.5}, {"loss": 1.0}]))
    assert (result.outcome, result.value) == ("ok", 0.5)


def test_reports_may_come_from_a_callback() -> None:
    def run(config, seed):
        for step in range(3):
            assert report(error=0.5 - 0.1 * step, at=100 * step)

    result = program(run)
    assert result.value == pytest.approx(0.3)
    assert [point.epoch for point in result.curve] == [0, 100, 200]
    assert not report(error=0.5)


def test_a_training_that_reports_at_its_end_was_no_warm_up() -> None:
    def run(config, seed):
        time.sleep(0.3)
        for error in (0.5, 0.4, 0.3):
            yield {"error": error}

    result = program(run)
    assert result.warmup_seconds == 0.0
    assert result.seconds >= 0.3
