"""A sweep that cannot tell anything stops; one in which only a level crashes goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtrack import Categorical, FunctionTask, TaskError, sweep
from backtrack.running.hopeless import ENOUGH

FACTORS = [Categorical("a", ["x", "y"]), Categorical("b", ["p", "q", "r"])]


def task(run) -> FunctionTask:
    return FunctionTask(name="box", run=run, metric="error", mode="min", chance=1.0, factors=FACTORS)


def test_every_run_that_crashes_alike_ends_the_sweep(tmp_path: Path) -> None:
    trained = []

    def run(config, seed):
        trained.append(config)
        raise RuntimeError(f"tensor {len(trained)} at 0x{id(config):x} is on another device")
        yield {}

    with pytest.raises(TaskError) as told:
        sweep(task(run), 60, tmp_path / "s", here=True, track=False)
    assert len(trained) == ENOUGH
    message = str(told.value)
    assert f"all of the first {ENOUGH} trainings crashed with the same exception" in message
    assert f"once in {2**ENOUGH} sweeps" in message
    assert (
        f'File "{__file__}", line {run.__code__.co_firstlineno + 2}, in run' in message
        and "is on another device" in message
    )
    assert "--keep-going" in message


def test_keep_going_trains_them_all(tmp_path: Path) -> None:
    def run(config, seed):
        raise RuntimeError("always")
        yield {}

    study = sweep(task(run), 20, tmp_path / "s", here=True, track=False, keep_going=True, stages=["screen"])
    assert study.trials["outcome"].to_pylist() == ["crashed"] * 20


@pytest.mark.parametrize("kind", ["one level crashes", "two exceptions", "some fail otherwise"])
def test_what_still_tells_something_goes_on(tmp_path: Path, kind: str) -> None:
    def run(config, seed):
        if kind == "one level crashes" and config["a"] == "y":
            yield {"error": 0.3}
            return
        if kind == "some fail otherwise" and seed % 2:
            yield {"error": 1.0}
            return
        if kind == "two exceptions" and config["b"] == "p":
            raise KeyError("p")
        raise RuntimeError("always")

    study = sweep(task(run), 20, tmp_path / "s", here=True, track=False, stages=["screen"])
    assert study.trials.num_rows == 20


def test_a_level_that_nothing_else_was_tried_of_is_not_cleared(tmp_path: Path) -> None:
    """The first eight all have a=x: nobody could say that y would crash too."""
    from backtrack.running.hopeless import check_not_hopeless
    from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
    from backtrack.vocabulary.result import RunResult

    space = task(lambda config, seed: iter(())).space
    crash = RunResult(0, "crashed", None, 0, 0.0, 0.0, 0, 1.0, "", error="Traceback\nRuntimeError: no")

    def finished(a: str, number: int) -> FinishedTrial:
        config = space.config({"a": a, "b": "pqr"[number % 3]})
        return FinishedTrial(PlannedTrial(f"screen-{number:05d}", "screen", config, (0,)), (crash,))

    check_not_hopeless([finished("x", number) for number in range(20)])
    with pytest.raises(TaskError, match="crashed with the same exception"):
        check_not_hopeless([finished("xy"[number % 2], number) for number in range(ENOUGH)])
