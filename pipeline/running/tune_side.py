"""Ray Tune's side of a sweep: its searcher hands out what is planned, its callback takes the results."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import optuna
import ray
from ray import tune
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from backtrack.errors import BacktrackError, TaskError
from backtrack.running.engine import Work
from backtrack.stages.search import STUDY_NAME, add_finished, config_from, suggest_levels
from backtrack.vocabulary.places import place_in
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, PlannedTrial, SearchPlan
from backtrack.vocabulary.result import RunResult

# A worker that dies takes its trial with it through no fault of the trial: it is run again this often, then
# recorded as crashed, since a training that kills its process each time is a result too.
INFRASTRUCTURE_RETRIES = 2


class Seat:
    """Where the searcher and the listener meet: what is queued, what runs, and what went wrong."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.queue: deque[PlannedTrial] = deque()
        self.search: SearchPlan | None = None
        self.search_ids: deque[str] = deque()
        self.running: dict[str, PlannedTrial] = {}
        # Tune's ids of the trials that Optuna suggested, and which Tune's searcher tells it of.
        self.suggested: set[str] = set()
        self.starts: Counter[str] = Counter()
        self.put_back: Counter[str] = Counter()
        self.optuna: OptunaSearch | None = None
        self.study: optuna.Study | None = None
        self.complete = False
        self.fault: BacktrackError | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its searcher and callbacks to restore them later; a study goes on from its records instead.
        return {}

    def refill(self) -> None:
        """Asks for the next plan where nothing is left of the last one."""
        if self.queue or self.search_ids:
            return
        plan = self.work.next_plan(list(self.running.values()))
        if plan is None:
            self.complete = True
        elif isinstance(plan, FixedPlan):
            self.queue.extend(plan.trials)
        else:
            self.search, self.search_ids = plan, deque(plan.ids)
            if not self.running:
                # A search that goes on after other stages knows their trials as well.
                self.optuna = None

    def ask(self, tune_id: str) -> PlannedTrial | None:
        """The next trial to run, or None where there is none for now."""
        self.refill()
        if self.queue:
            return self.queue.popleft()
        if not self.search_ids:
            return None
        assert self.search is not None
        if self.optuna is None:
            self.study = self.work.search_study(self.search.first)
            self.optuna = OptunaSearch(
                space=lambda trial: suggest_levels(self.work.task.space, trial),
                metric="objective",
                mode=self.work.task.mode,
                sampler=self.study.sampler,
                study_name=STUDY_NAME,
                storage=self.study._storage,
            )
        config = config_from(self.work.task.space, self.optuna.suggest(tune_id) or {})
        self.suggested.add(tune_id)
        return self.search.planned(self.search_ids.popleft(), config)

    def queue_again(self, planned: PlannedTrial) -> None:
        """Puts a trial that Tune gave up at the head of the queue.

        It comes back under another id of Tune's: where Optuna suggested it, it was told of a failure, and will be told
        of the result as of one that it did not suggest.
        """
        self.running.pop(planned.trial, None)
        self.put_back[planned.trial] += 1
        self.queue.appendleft(planned)

    def finish(self, finished: FinishedTrial, tune_id: str) -> None:
        """Records a trial, and tells the search of those that it did not pick itself."""
        self.running.pop(finished.planned.trial, None)
        self.work.record(finished)
        if tune_id not in self.suggested and self.study is not None:
            add_finished(self.study, self.work.task.space, self.work.task.mode, [finished])


class SeatSearcher(Searcher):  # type: ignore[misc]
    """Tune's searcher: hands out what the seat holds, and passes on what belongs to Optuna."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(metric="objective", mode=seat.work.task.mode)
        self.seat = seat

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        seat = self.seat
        if seat.fault is not None:
            return cast(str, Searcher.FINISHED)
        try:
            planned = seat.ask(trial_id)
        except BacktrackError as fault:
            seat.fault = fault
            return cast(str, Searcher.FINISHED)
        if planned is None:
            # While something runs it may come back into the queue.
            return cast(str, Searcher.FINISHED) if seat.complete and not seat.running else None
        seat.running[planned.trial] = planned
        # As text, since Tune would look for search spaces of its own inside a nested config.
        return {
            "trial": planned.trial,
            "stage": planned.stage,
            "levels": json.dumps(dict(planned.config)),
            "seeds": json.dumps(planned.seeds),
            "patience": json.dumps(seat.work.patience(planned)),
        }

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: a trial reports once, at its end."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if trial_id in self.seat.suggested and self.seat.optuna is not None:
            self.seat.optuna.on_trial_complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: a study goes on from its records, not from Tune's."""

    def restore(self, checkpoint_path: str) -> None:
        """See `save`."""


class Listener(tune.Callback):  # type: ignore[misc]
    """Takes results out of Tune's hands and records them."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # Tune keeps the last result of every trial; without this it would keep every curve in memory too.
        results = result.pop("results")
        planned = self.seat.running.get(trial.config["trial"])
        if result["unloadable"]:
            self.seat.fault = TaskError(f"a worker on {result['node']} cannot load the task: {result['unloadable']}")
        elif planned is not None:
            self._finish(planned, results, result["node"], trial.trial_id)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # Tune leaves out of its own count what a lost machine interrupted.
        self.seat.starts[trial.config["trial"]] += 1

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A worker that died again and again, could not start, or was lost just while Tune had its trial waiting: only
        the last is no answer yet, and Tune would not try it again.
        """
        planned = self.seat.running.get(trial.config["trial"])
        if planned is None:
            return
        tries_left = trial.num_failures <= INFRASTRUCTURE_RETRIES
        if tries_left and self.seat.put_back[planned.trial] < INFRASTRUCTURE_RETRIES:
            self.seat.queue_again(planned)
            return
        fault, said = _last_fault(trial)
        outcome = "out_of_memory" if isinstance(fault, ray.exceptions.OutOfMemoryError) else "crashed"
        error = f"the worker process ended {trial.num_failures} times:\n{said}"
        results = [RunResult(seed, outcome, error=error, error_place=place_in(said)) for seed in planned.seeds]
        self._finish(planned, results, "", trial.trial_id)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.seat.work.on_tick(len(self.seat.running))

    def _finish(self, planned: PlannedTrial, results: list[RunResult], node: str, tune_id: str) -> None:
        attempt = max(1, self.seat.starts.pop(planned.trial, 1))
        finished = FinishedTrial(planned, tuple(results), attempt, node, time.time())
        try:
            self.seat.finish(finished, tune_id)
        except BacktrackError as fault:
            self.seat.fault = fault


def _last_fault(trial: Any) -> tuple[Any, str]:
    """The exception of a trial's last failure, where it was kept, and its text.

    Both lie in the trial's own folder from the failure on; Tune's readers look in its storage, where they come later.
    """
    pickled, written = (Path(one or "") for one in (trial.pickled_error_file, trial.error_file))
    fault = ray.cloudpickle.loads(pickled.read_bytes()) if pickled.is_file() else None
    said = str(fault) if fault is not None else (written.read_text() if written.is_file() else "no message")
    return fault, said.strip()


class StopOnFault(tune.Stopper):  # type: ignore[misc]
    """Ends the run where recording or planning failed: training on without a record would be lost work."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.seat.fault is not None
