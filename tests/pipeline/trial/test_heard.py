"""A training that crashes only where it is listened to runs alone; any other crash stays what it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from backtrack import Categorical, FunctionTask
from backtrack.trial import heard, run_trial
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.result import RunResult
from backtrack.watch.listening.ears import Ears


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "_own", set())
    monkeypatch.setattr(heard, "_ours", set())


def crashes_when(*crashes: bool) -> tuple[list[bool], RunResult]:
    """How a training whose runs crash like this was asked, and what came of it."""
    asked: list[bool] = []

    def run(watched: bool) -> RunResult:
        asked.append(watched)
        crash = crashes[len(asked) - 1]
        return RunResult(0, "crashed" if crash else "ok", error=f"RuntimeError: {len(asked)}" if crash else "")

    return asked, heard.heard_or_alone(run)


def test_a_crash_that_listening_brings_is_told_and_does_not_count() -> None:
    asked, found = crashes_when(True, False, True)
    assert asked == [True, False, True]
    assert found.outcome == "ok"
    assert [one.check for one in found.checks] == ["listening"]
    # Of a kind that is known, one run more is enough.
    asked, found = crashes_when(True, False)
    assert (asked, found.outcome) == ([True, False], "ok")


@pytest.mark.parametrize("crashes", [(True, True), (True, False, False)], ids=["alone too", "now and then"])
def test_a_crash_of_the_training_itself_counts(crashes: tuple[bool, ...]) -> None:
    _, found = crashes_when(*crashes)
    assert (found.outcome, found.checks) == ("crashed", ())
    asked, _ = crashes_when(True)
    assert asked == [True], "a known kind is not repeated"


def test_a_crash_that_comes_late_is_not_repeated() -> None:
    runs = iter([RunResult(0, "crashed", error="RuntimeError: late", seconds=heard.SOON + 1)])
    assert heard.heard_or_alone(lambda watched: next(runs)).outcome == "crashed"


def test_a_training_goes_on_where_the_ears_break_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Ears, *given: object) -> None:
        raise RuntimeError("the ears are broken")

    monkeypatch.setattr(Ears, "_before_step", broken)

    def run(config: Config, seed: int) -> Iterator[dict[str, float]]:
        net = torch.nn.Linear(2, 1)
        step = torch.optim.SGD(net.parameters(), lr=config["lr"])
        net(torch.ones(4, 2)).mean().backward()
        step.step()
        yield {"loss": 0.5}

    task = FunctionTask(name="mine", run=run, metric="loss", mode="min", factors=[Categorical("lr", [0.1, 0.2])])
    (found,) = run_trial(task, Config({"lr": 0.1}), [0])
    assert (found.outcome, found.value) == ("ok", 0.5)
    assert "the ears are broken" in found.checks[-1].measured
