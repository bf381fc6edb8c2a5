"""Black boxes that do not report as they should end as crashes that say what to write."""

from __future__ import annotations

import pytest

from backtrack import Categorical, FunctionTask
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
        (lambda config, seed: {"error": 0.5}, "returned {'error': 0.5}; expected it to yield dicts"),
        (lambda config, seed: None, "returned None; expected it to yield dicts"),
        (lambda config, seed: iter([{"loss": 0.5}]), "yielded ['loss']; expected a dict with its metric 'error'"),
    ],
)
def test_a_black_box_that_yields_nothing_is_a_crash_with_a_message_of_its_own(run, said: str) -> None:
    ended, error = outcome(run)
    assert ended == "crashed"
    assert said in error.splitlines()[-1]
