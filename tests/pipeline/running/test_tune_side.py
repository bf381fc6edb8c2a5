"""What the engine does where Ray Tune gives a trial up; what needs a running Ray is in tests/system."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
import ray
from ray.exceptions import RayTaskError
from ray.tune.error import TuneError

from backtrack import Categorical, FunctionTask
from backtrack.running.engine import Work
from backtrack.running.resources import Resources
from backtrack.running.tune_side import INFRASTRUCTURE_RETRIES, Listener, Seat, SeatSearcher
from backtrack.stages.search import build_study, make_sampler
from backtrack.vocabulary.crashes import message_in
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, Plan, PlannedTrial, SearchPlan
from backtrack.vocabulary.result import RunResult

TASK = FunctionTask(
    name="toy",
    run=lambda config, seed: iter([{"error": 0.5}]),
    metric="error",
    mode="min",
    chance=1.0,
    factors=[Categorical("order", ["forward", "reverse"]), Categorical("readout", ["last", "max"])],
)
RESULT = RunResult(0, "ok", 0.25, 1, 0.1, 0.0, 0, 1.0, "")


TUNE_FAULT = TuneError("gone")


class Tune:
    """Tune's side of a sweep: asks the searcher, and tells searcher and listener what came of a trial, in its order."""

    def __init__(self, plan: Plan, folder: Path, fault: Exception = TUNE_FAULT) -> None:
        self.folder, self.fault = folder, fault
        self.recorded: list[FinishedTrial] = []
        self.study = build_study(optuna.storages.InMemoryStorage(), TASK.space, "min", [], make_sampler(0))
        plans = iter([plan])
        self.seat = Seat(
            Work(
                task=TASK,
                next_plan=lambda running: next(plans, None),
                record=self.recorded.append,
                search_study=lambda first: self.study,
                resources=Resources(),
            )
        )
        self.searcher, self.listener = SeatSearcher(self.seat), Listener(self.seat)

    def start(self, tune_id: str) -> Any:
        config = self.searcher.suggest(tune_id)
        assert isinstance(config, dict)
        # Tune writes them into the trial's folder as soon as it fails.
        written, pickled = self.folder / f"{tune_id}.txt", self.folder / f"{tune_id}.pkl"
        files = {"error_file": str(written), "pickled_error_file": str(pickled)}
        trial = SimpleNamespace(trial_id=tune_id, config=config, num_failures=0, **files)
        self.listener.on_trial_start(0, [], trial)
        return trial

    def lose(self, trial: Any, failures: int) -> None:
        trial.num_failures = failures
        Path(trial.error_file).write_text(str(self.fault))
        if isinstance(self.fault, RayTaskError):
            Path(trial.pickled_error_file).write_bytes(ray.cloudpickle.dumps(self.fault))
        self.searcher.on_trial_complete(trial.trial_id, error=True)
        self.listener.on_trial_error(0, [], trial)

    def end(self, trial: Any) -> None:
        result = {"results": [RESULT], "node": "here", "objective": RESULT.value, "unloadable": ""}
        self.listener.on_trial_result(0, [], trial, result)
        self.searcher.on_trial_complete(trial.trial_id, result)


@pytest.mark.parametrize("stage", ["screen", "search"])
def test_a_trial_that_tune_gives_up_too_early_is_started_again(stage: str, tmp_path: Path) -> None:
    fixed = PlannedTrial("screen-00000", "screen", TASK.space.config({"order": "forward", "readout": "max"}), (0,))
    tune = Tune(FixedPlan([fixed]) if stage == "screen" else SearchPlan(["search-00000"]), tmp_path)
    first = tune.start("a")
    tune.lose(first, failures=1)
    assert not tune.recorded
    again = tune.start("b")
    assert again.config == first.config
    tune.end(again)
    assert [(trial.planned.trial, trial.attempt) for trial in tune.recorded] == [(f"{stage}-00000", 2)]
    # The search learns its result, although it is not the trial that it suggested.
    values = [trial.value for trial in tune.study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert values == ([0.25] if stage == "search" else [])
    assert tune.searcher.suggest("c") == SeatSearcher.FINISHED


def test_while_something_runs_the_sweep_does_not_end(tmp_path: Path) -> None:
    tune = Tune(SearchPlan(["search-00000"]), tmp_path)
    trial = tune.start("a")
    assert tune.searcher.suggest("b") is None
    tune.lose(trial, failures=2)
    assert json.loads(tune.start("b").config["levels"]) == json.loads(trial.config["levels"])


def test_what_fails_again_and_again_is_recorded_as_crashed(tmp_path: Path) -> None:
    tune = Tune(SearchPlan(["search-00000", "search-00001"]), tmp_path)
    tune.lose(tune.start("a"), failures=INFRASTRUCTURE_RETRIES + 1)
    assert [trial.results[0].outcome for trial in tune.recorded] == ["crashed"]
    for life in range(INFRASTRUCTURE_RETRIES + 1):
        assert len(tune.recorded) == 1
        tune.lose(tune.start(f"b{life}"), failures=1)
    assert [trial.results[0].outcome for trial in tune.recorded] == ["crashed", "crashed"]
    assert "gone" in str(tune.recorded[1].results[0].error)


def test_what_a_worker_died_of_is_kept_with_its_place(tmp_path: Path) -> None:
    trace = 'ray::Worker\n  File "/home/me/mine.py", line 6, in run\n    f()\nRuntimeError: CUDA error: lost'
    tune = Tune(SearchPlan(["search-00000"]), tmp_path, RayTaskError("train", trace, RuntimeError("CUDA error: lost")))
    tune.lose(tune.start("a"), failures=INFRASTRUCTURE_RETRIES + 1)
    (result,) = tune.recorded[0].results
    assert (result.outcome, result.error_place) == ("crashed", "/home/me/mine.py:6")
    assert message_in(result.error) == "RuntimeError: CUDA error: lost"
