"""Runs plans on Ray Tune.

One Tune run carries a whole sweep: its searcher hands out the trials of whatever plan is next, so that worker
processes stay warm from the first trial to the last. A worker reports once a trial; curves travel with that report
and go into the records, not through Tune's own logging.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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

import ray
from ray import tune

from backtrack.errors import EngineError, TaskError
from backtrack.running.engine import Work
from backtrack.running.hopeless import check_rehearsed
from backtrack.running.reachable import address_of
from backtrack.running.resources import Places, Resources, cpus_of, share_out
from backtrack.running.scratch import scratch
from backtrack.running.travelling import Parcel, pack
from backtrack.running.tune_patches import workers_kept
from backtrack.running.tune_side import INFRASTRUCTURE_RETRIES, Listener, Seat, SeatSearcher, StopOnFault
from backtrack.running.worker import Worker, try_once
from backtrack.stages.screen import plan_screen
from backtrack.task import ScriptTask, Task, TorchTask
from backtrack.task.first_imports import first_imports
from backtrack.trial import Limits
from backtrack.trial.rehearsal import Rehearsed
from backtrack.vocabulary.machine import usable_cpus
from backtrack.vocabulary.plan import PlannedTrial

# Configs whose memory is measured on a GPU before a sweep: the most that one of them takes counts.
MEASURED_CONFIGS = 3
# Enough for results and a task's code; Ray's default of 30 % of the machine's memory is a laptop's whole desktop.
# Packages whose programs can use a GPU.
USES_GPUS = {"torch", "tensorflow", "jax", "lightning", "pytorch_lightning", "transformers", "keras", "cupy"}
# Attempts to start a Ray of our own, and the seconds of the first pause between them.
STARTS, PAUSE = 3, 5.0
OBJECT_STORE_BYTES = 256 * 1024**2


def execute(work: Work) -> bool:
    """Runs plan after plan on Ray; see `engine.Engine`.

    Args:
        work: what to do.
    """
    resources = work.resources
    asked = resources.cpus_per_trial
    resources = replace(resources, cpus_per_trial=asked or cpus_of(work.task.space, work.task.fixed))
    with _ray(resources):
        if asked is None:
            resources = replace(resources, cpus_per_trial=_on_one_node(resources.cpus_per_trial or 1))
        parcel = pack(work.task, everywhere=len(ray.nodes()) > 1 or address_of(resources) is not None)
        without_gpus = not ray.cluster_resources().get("GPU")
        if parcel.project is not None or work.rehearsed:
            # A built-in task's code is this package's own, which a worker has where it runs at all.
            _try(work, parcel, work.rehearsed if without_gpus else ())
        places = _places(resources, work.task, parcel)
        if work.rehearsed and not without_gpus:
            # A trial run has what a training will have: who needs a GPU would crash without one.
            _try(work, parcel, work.rehearsed, places.gpu_share)
        work.on_start(places.workers, "cuda" if places.gpu_share else "cpu")
        seat = Seat(work)
        _tune(seat, resources, places, parcel)
    if seat.fault is not None:
        raise seat.fault
    return seat.complete


def _tune(seat: Seat, resources: Resources, places: Places, parcel: Parcel) -> None:
    """One Tune run for all plans.

    Raises:
        EngineError: where Tune stops by itself.
    """
    device = "cuda" if places.gpu_share else "cpu"
    per_trial = {"cpu": resources.cpus_per_trial, **({"gpu": places.gpu_share} if places.gpu_share else {})}
    with scratch("tune") as folder:
        trainable = tune.with_resources(
            tune.with_parameters(Worker, parcel=parcel, device=device, limits=_limits(resources, places)), per_trial
        )
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=SeatSearcher(seat),
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=places.workers,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(folder),
                verbose=0,
                # Nothing to save: a trial's results are its records, and an unfinished one starts again.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
                failure_config=tune.FailureConfig(max_failures=INFRASTRUCTURE_RETRIES),
                callbacks=[Listener(seat)],
                stop=StopOnFault(seat),
            ),
        )
        try:
            with workers_kept(places.workers):
                tuner.fit()
        except Exception as fault:
            if seat.fault is None:
                what = str(fault).strip().splitlines()[-1:] or [""]
                raise EngineError(
                    f"Ray Tune stopped ({type(fault).__name__}): {what[0]}. What had finished is recorded; go on "
                    "with `backtrack resume`"
                ) from fault


def _try(work: Work, parcel: Parcel, planned: Sequence[PlannedTrial], gpu_share: float = 0.0) -> None:
    """Loads a user's task once in a worker, and rehearses some trials, before anything is recorded.

    Raises:
        TaskError: where it cannot be loaded, with the import error and its line, or what the dying process said; or
            where every rehearsal crashes.
    """
    with scratch("load") as folder:
        said = folder / "stderr"
        said.touch()
        try:
            tried = ray.remote(max_retries=0, num_gpus=gpu_share)(try_once)
            told = ray.get(tried.remote(parcel, str(said), list(planned), "cuda" if gpu_share else "cpu"))
        except ray.exceptions.WorkerCrashedError:
            words = said.read_text(errors="replace").strip().splitlines()[-5:]
            ended = "the process ended while it imported it, or at its first trial run"
            told = (ended + (f": {' '.join(words)}" if words else ""), Rehearsed())
    unloadable, rehearsed = told
    if unloadable:
        raise TaskError(f"no worker can load the task {parcel.name!r}, so nothing was trained: {unloadable}")
    check_rehearsed(work, rehearsed)


def _limits(resources: Resources, places: Places) -> Limits:
    """What each training may take; those that share a GPU may not take each other's memory."""
    return Limits(resources.time_limit, resources.max_memory, places.gpu_share if 0 < places.gpu_share < 1 else None)


def _does_not_start(address: str | None, said: str, attempts: int) -> str:
    """What is said where Ray does not start: with the load, where that is the likely reason."""
    last = (said.strip().splitlines() or ["no message"])[-1]
    if address:
        return (
            f"Ray does not start at {address}: {last}. Check that the cluster runs the same versions of Ray and Python"
        )
    load, cores = os.getloadavg()[0], usable_cpus()
    if load > 2 * cores:
        return (
            f"Ray did not start in {attempts} attempts: the machine is busy (load {load:.0f} on {cores} cores). Wait "
            f"until other programs have ended, or train in this process with --here. Ray says: {last}"
        )
    return f"Ray does not start on this machine: {last}. `backtrack doctor` looks at memory, disk and temporary folder"


class _ray:
    """A Ray of our own for the block, unless one runs in this process already or an address is given."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.ours = False

    def __enter__(self) -> _ray:
        if ray.is_initialized():
            return self
        address = address_of(self.resources)
        logging.getLogger("ray").setLevel(logging.ERROR)
        # Of a trial that failed Tune prints the whole trace: the records have it, and the report says what it means.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        own: dict[str, Any] = {}
        if not address:
            own = {"num_cpus": self._cpus(), "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        for attempt in range(1, STARTS + 1):
            try:
                ray.init(
                    address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True, **own
                )
                break
            except Exception as fault:
                ray.shutdown()
                if attempt == STARTS or address or "timed out" not in str(fault).lower():
                    raise EngineError(_does_not_start(address, str(fault), attempt)) from fault
                # On a busy machine its processes come up late: the next attempt finds their files in memory.
                time.sleep(PAUSE * attempt)
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


def _places(resources: Resources, task: Task, parcel: Parcel) -> Places:
    """Where trainings go; on a GPU, packed by the memory that one of them was measured to take."""
    total = ray.cluster_resources()
    cpus, gpus = total.get("CPU", 1.0), total.get("GPU", 0.0)
    wants_gpu = isinstance(task, TorchTask)
    memory_share = None
    if gpus and wants_gpu and resources.gpus_per_trial is None:
        measure = ray.remote(num_gpus=1, num_cpus=min(1.0, cpus), max_calls=1)(_measured_share)
        memory_share = ray.get(measure.remote(parcel))
    # A job finds the address of its cluster in the environment.
    asked = replace(resources, address=address_of(resources))
    if gpus and isinstance(task, ScriptTask) and asked.gpus_per_trial is None:
        # What a program takes of a GPU is not known: it gets a whole one, unless its source shows that it needs none.
        imported = {name.partition(".")[0] for name in (first_imports(task.script) if task.script else USES_GPUS)}
        asked = replace(asked, gpus_per_trial=1.0 if imported & USES_GPUS else 0.0)
    return share_out(asked, cpus, gpus, wants_gpu=wants_gpu, memory_share=memory_share)


def _measured_share(parcel: Parcel) -> float | None:
    """On a worker with a GPU: the share of its memory that a few of the task's trainings take; None without one."""
    from backtrack.trial.measuring import measured_share

    task = parcel.unpack()
    assert isinstance(task, TorchTask)
    configs = [planned.config for planned in plan_screen(task.space, MEASURED_CONFIGS, 0)]
    return measured_share(task, configs)
