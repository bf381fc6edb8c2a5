"""Runs plans on Ray Tune.

One Tune run carries a whole sweep: its searcher hands out the trials of whatever plan is next, so that worker
processes stay warm from the first trial to the last. A worker reports once a trial; curves travel with that report
and go into the records, not through Tune's own logging.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import sysconfig
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, cast

# Tune reads these when it is imported. Our records are the truth: Tune need not keep its own copy of every
# result, nor write its state again and again, which costs more with every trial.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000")
os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
# A task that opens a relative path means the directory that the sweep was started in.
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
# Workers are ended before they push a laptop into swapping; the trial is then out_of_memory.
os.environ.setdefault("RAY_memory_usage_threshold", "0.9")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")

import optuna
import ray
from ray import cloudpickle, tune
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from pipeline.errors import BacktrackError
from pipeline.plan import FinishedTrial, FixedPlan, Plan, PlannedTrial, SearchPlan
from pipeline.resources import Places, Resources, cpus_of, share_out, usable_cpus
from pipeline.scratch import scratch
from pipeline.space import Config
from pipeline.stages.screen import plan_screen
from pipeline.stages.search import STUDY_NAME, add_finished, config_from, suggest_levels
from pipeline.starting import workers_kept
from pipeline.task import FunctionTask, Task, TorchTask
from pipeline.training import Limits, RunResult
from pipeline.worker import Worker

# A worker that dies takes its trial with it through no fault of the trial: it is run again this often, then
# recorded as crashed, since a training that kills its process each time is a result too.
INFRASTRUCTURE_RETRIES = 2
# Configs whose memory is measured on a GPU before a sweep: the most that one of them takes counts.
MEASURED_CONFIGS = 3
# Enough for results and a task's code; Ray's default of 30 % of the machine's memory is a laptop's whole desktop.
OBJECT_STORE_BYTES = 256 * 1024**2


class EngineError(BacktrackError):
    """Ray could not be started or gave up: the sweep itself is sound, and may be gone on with."""

    exit_code = 3


def execute(
    task: Task,
    next_plan: Callable[[Collection[str]], Plan | None],
    record: Callable[[FinishedTrial], None],
    search_study: Callable[[Sequence[Config]], optuna.Study],
    resources: Resources,
    on_start: Callable[[int, str], None] = lambda workers, device: None,
    on_tick: Callable[[int], None] = lambda running: None,
) -> bool:
    """Runs plan after plan until there is none.

    Args:
        task: what to train; it travels to the workers by value, also from a user's file.
        next_plan: called with the ids that are running whenever the last plan has been handed out.
        record: called in this process for every finished trial, before anything else hears of it.
        search_study: makes the Optuna study that a `SearchPlan` asks, with the trials so far in it and the plan's
            first configs queued.
        resources: what may be used.
        on_start: told the number of workers and the device.
        on_tick: called often with the number of trials that are running.

    Returns:
        True when the plans came to their end; False when somebody interrupted (Ctrl-C): what had finished
        is recorded.

    Raises:
        EngineError: where Ray does not start or stops working.
        BacktrackError: whatever `record` or `next_plan` raised; the run is then stopped first.
    """
    asked = resources.cpus_per_trial
    resources = replace(resources, cpus_per_trial=asked or cpus_of(task.space, task.fixed))
    with _ray(resources):
        if asked is None:
            resources = replace(resources, cpus_per_trial=_on_one_node(resources.cpus_per_trial or 1))
        with _travelling(task):
            blob = cloudpickle.dumps(task)
        places = _places(resources, task, blob)
        workers, device = places.workers, "cuda" if places.gpu_share else "cpu"
        per_trial = {"cpu": resources.cpus_per_trial, **({"gpu": places.gpu_share} if places.gpu_share else {})}
        on_start(workers, device)
        seat = _Seat(task, next_plan, record, search_study, on_tick)
        with scratch("tune") as folder:
            trainable = tune.with_resources(
                tune.with_parameters(Worker, blob=blob, device=device, limits=_limits(resources, places)), per_trial
            )
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    search_alg=_Searcher(seat),
                    num_samples=-1,
                    reuse_actors=True,
                    max_concurrent_trials=workers,
                    trial_dirname_creator=lambda trial: str(trial.trial_id),
                ),
                run_config=tune.RunConfig(
                    name="sweep",
                    storage_path=str(folder),
                    verbose=0,
                    # Nothing to save: a trial's results are its records, and an unfinished one starts again.
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
                    failure_config=tune.FailureConfig(max_failures=INFRASTRUCTURE_RETRIES),
                    callbacks=[_Listener(seat)],
                    stop=_StopOnFault(seat),
                ),
            )
            try:
                with workers_kept(workers):
                    tuner.fit()
            except Exception as fault:
                if seat.fault is None:
                    what = str(fault).strip().splitlines()[-1:] or [""]
                    raise EngineError(
                        f"Ray Tune stopped ({type(fault).__name__}): {what[0]}. What had finished is recorded; go on "
                        "with `backtrack resume`"
                    ) from fault
    if seat.fault is not None:
        raise seat.fault
    return seat.complete


class _Seat:
    """Where the searcher and the listener meet: what is queued, what runs, and what went wrong."""

    def __init__(
        self,
        task: Task,
        next_plan: Callable[[Collection[str]], Plan | None],
        record: Callable[[FinishedTrial], None],
        search_study: Callable[[Sequence[Config]], optuna.Study],
        on_tick: Callable[[int], None],
    ) -> None:
        self.on_tick = on_tick
        self.task = task
        self.next_plan = next_plan
        self.record = record
        self.search_study = search_study
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
        plan = self.next_plan(set(self.running))
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
            self.study = self.search_study(self.search.first)
            self.optuna = OptunaSearch(
                space=lambda trial: suggest_levels(self.task.space, trial),
                metric="objective",
                mode=self.task.mode,
                sampler=self.study.sampler,
                study_name=STUDY_NAME,
                storage=self.study._storage,
            )
        config = config_from(self.task.space, self.optuna.suggest(tune_id) or {})
        self.suggested.add(tune_id)
        return PlannedTrial(self.search_ids.popleft(), self.search.stage, config, self.search.seeds)

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
        self.record(finished)
        if tune_id not in self.suggested and self.study is not None:
            add_finished(self.study, self.task.space, self.task.mode, [finished])


class _Searcher(Searcher):  # type: ignore[misc]
    """Tune's searcher: hands out what the seat holds, and passes on what belongs to Optuna."""

    def __init__(self, seat: _Seat) -> None:
        super().__init__(metric="objective", mode=seat.task.mode)
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


class _Listener(tune.Callback):  # type: ignore[misc]
    """Takes results out of Tune's hands and records them."""

    def __init__(self, seat: _Seat) -> None:
        self.seat = seat

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # Tune keeps the last result of every trial; without this it would keep every curve in memory too.
        results = result.pop("results")
        planned = self.seat.running.get(trial.config["trial"])
        if planned is not None:
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
        fault = trial.get_pickled_error()
        outcome = "out_of_memory" if isinstance(fault, ray.exceptions.OutOfMemoryError) else "crashed"
        error = f"the worker process ended {trial.num_failures} times: {fault or trial.get_error()}"
        results = [RunResult(seed, outcome, None, 0, 0.0, 0.0, 0, None, "", error=error) for seed in planned.seeds]
        self._finish(planned, results, "", trial.trial_id)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.seat.on_tick(len(self.seat.running))

    def _finish(self, planned: PlannedTrial, results: list[RunResult], node: str, tune_id: str) -> None:
        attempt = max(1, self.seat.starts.pop(planned.trial, 1))
        finished = FinishedTrial(planned, tuple(results), attempt, node, time.time())
        try:
            self.seat.finish(finished, tune_id)
        except BacktrackError as fault:
            self.seat.fault = fault


class _StopOnFault(tune.Stopper):  # type: ignore[misc]
    """Ends the run where recording or planning failed: training on without a record would be lost work."""

    def __init__(self, seat: _Seat) -> None:
        self.seat = seat

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.seat.fault is not None


def _limits(resources: Resources, places: Places) -> Limits:
    """What each training may take; those that share a GPU may not take each other's memory."""
    return Limits(resources.time_limit, resources.max_memory, places.gpu_share if 0 < places.gpu_share < 1 else None)


class _ray:
    """A Ray of our own for the block, unless one runs in this process already or an address is given."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.ours = False

    def __enter__(self) -> _ray:
        if ray.is_initialized():
            return self
        address = self.resources.address or os.environ.get("RAY_ADDRESS")
        logging.getLogger("ray").setLevel(logging.ERROR)
        own: dict[str, Any] = {}
        if not address:
            own = {"num_cpus": self._cpus(), "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True, **own)
        except Exception as fault:
            where = f"at {address}" if address else "on this machine"
            raise EngineError(
                f"Ray does not start {where}: {str(fault).strip().splitlines()[-1]}. Check the address and the free "
                "space in /tmp, or set RAY_ADDRESS to a running cluster"
            ) from fault
        self.ours = True
        return self

    def _cpus(self) -> int:
        """CPUs of this machine; more only where more workers are asked for than it has cores."""
        wanted = (self.resources.workers or 0) * (self.resources.cpus_per_trial or 1)
        return max(usable_cpus(), int(wanted))

    def __exit__(self, *fault: object) -> None:
        if self.ours:
            ray.shutdown()


def _on_one_node(cpus: float) -> float:
    """So many CPU cores, or what the largest machine has: a training that asks for more would wait for ever."""
    largest = max((node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]), default=0.0)
    return min(cpus, max(1.0, largest))


def _places(resources: Resources, task: Task, blob: bytes) -> Places:
    """Where trainings go; on a GPU, packed by the memory that one of them was measured to take."""
    total = ray.cluster_resources()
    cpus, gpus = total.get("CPU", 1.0), total.get("GPU", 0.0)
    wants_gpu = not isinstance(task, FunctionTask)
    memory_share = None
    if gpus and wants_gpu and resources.gpus_per_trial is None:
        measure = ray.remote(num_gpus=1, num_cpus=min(1.0, cpus), max_calls=1)(_measured_share)
        memory_share = ray.get(measure.remote(blob))
    # A job finds the address of its cluster in the environment.
    asked = replace(resources, address=resources.address or os.environ.get("RAY_ADDRESS"))
    return share_out(asked, cpus, gpus, wants_gpu=wants_gpu, memory_share=memory_share)


def _measured_share(blob: bytes) -> float | None:
    """On a worker with a GPU: the share of its memory that a few of the task's trainings take; None without one."""
    from pipeline.training.memory import measured_share

    task: TorchTask = cloudpickle.loads(blob)
    configs = [planned.config for planned in plan_screen(task.space, MEASURED_CONFIGS, 0)]
    return measured_share(task, configs)


def _own_modules(task: Task) -> list[ModuleType]:
    """Modules of the user's that define the task: no worker could import them, so their code travels along."""
    functions = [task.run] if isinstance(task, FunctionTask) else [task.data, task.model, task.loss, task.score]
    modules = [sys.modules.get(getattr(function, "__module__", "")) for function in functions]
    installed = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("stdlib")})
    own = {
        module.__name__: module
        for module in modules
        if module is not None
        and module.__name__ != "__main__"
        and module.__name__.split(".")[0] not in ("pipeline", "search_spaces", "tasks")
        and not str(getattr(module, "__file__", None) or installed[0]).startswith(installed)
    }
    return list(own.values())


@contextmanager
def _travelling(task: Task) -> Iterator[None]:
    """Lets the code of a user's task file travel by value inside the block."""
    modules = _own_modules(task)
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)
