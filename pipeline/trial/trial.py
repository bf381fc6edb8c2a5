"""One trial: a config's replicates, side by side or one after another, each with its outcome. No Ray, no MLflow."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from backtrack.errors import TrialFailed
from backtrack.task import FunctionTask, ScriptTask, Task, TorchTask
from backtrack.trial.certain import Certain, Patient
from backtrack.trial.heard import heard_or_alone
from backtrack.trial.limits import (
    DeadlinePassed,
    DeviceLost,
    Limits,
    deadline,
    peak_memory,
    process_memory,
    reset_peak_memory,
)
from backtrack.trial.script_failed import ScriptFailed
from backtrack.trial.watched import listened
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.outcomes import OUTCOMES, device_lost, of_exception
from backtrack.vocabulary.places import place_of
from backtrack.vocabulary.result import RunResult
from backtrack.watch.recorder import Enough, Recorder
from backtrack.watch.symptoms import symptoms_in

NO_LIMITS = Limits()

log = logging.getLogger(__name__)


def run_trial(
    task: Task,
    config: Config,
    seeds: Sequence[int],
    *,
    device: str = "cpu",
    limits: Limits = NO_LIMITS,
    watched: bool = True,
    on_crash: Callable[[BaseException], None] | None = None,
    any_metric: bool = False,
    patience: int | None = None,
) -> list[RunResult]:
    """Trains `config` once for each seed; a failed training is a result, never an exception.

    Several replicates of a torch task are trained as one stacked model where that can be done (see
    `backtrack.trial.stacked`), with the same numbers.

    Args:
        task: what to train.
        config: a config of the task's space.
        seeds: one a replicate.
        device: where a torch task runs, e.g. "cpu" or "cuda:0".
        limits: what each replicate may take; stacked ones together as often their time.
        watched: whether a torch task's symptoms are measured; those that are read from curves always are.
        on_crash: told the exception of a crash, while its frames are there to look at.
        any_metric: whether a program that never says its metric is fine, since it is only tried.
        patience: where a training is ended whose outcome is certain, after how many reports one at chance is (0 for
            never); None where all go on to their end, as stacked replicates do.

    Returns:
        One `RunResult` a seed, in order.
    """
    if len(seeds) > 1 and isinstance(task, TorchTask) and not task.changes.names:
        stacked = _run_stacked(task, config, seeds, device, limits, watched)
        if stacked is not None:
            return stacked

    def run(seed: int, watched: bool) -> RunResult:
        return run_replicate(
            task,
            config,
            seed,
            device=device,
            limits=limits,
            watched=watched,
            on_crash=on_crash,
            any_metric=any_metric,
            recorder=Patient(task, patience) if patience is not None else None,
        )

    if not watched or on_crash is not None:
        return [run(seed, watched) for seed in seeds]
    return [heard_or_alone(partial(run, seed)) for seed in seeds]


def run_replicate(
    task: Task,
    config: Config,
    seed: int,
    *,
    device: str = "cpu",
    limits: Limits = NO_LIMITS,
    watched: bool = True,
    on_crash: Callable[[BaseException], None] | None = None,
    any_metric: bool = False,
    looked: Sequence[str] | None = None,
    recorder: Recorder | None = None,
) -> RunResult:
    """One training run with its outcome; see `run_trial`.

    Args:
        task, config, seed, device, limits, watched, on_crash, any_metric: as there, for one seed.
        looked: files with further interventions, where it is only looked at; `recorder.anatomy` has what was found.
        recorder: that hears of it; it may end the training by raising `Enough`.

    Raises:
        DeviceLost: where the GPU failed: no later training of this process could run.
    """
    recorder = recorder or Recorder()
    levels = task.levels(config)
    if not isinstance(task, ScriptTask) and (looked is not None or task.changes.names):
        levels, recorder.intervene = _intervened(task, levels, recorder, looked)
    train, peak = _program(task, device, watched, limits, any_metric, looked)
    error = place = ""
    try:
        # A torch task's loop lets the checks hear it where it trains, a program's process where it is started.
        heard = listened(recorder, watched and isinstance(task, FunctionTask))
        with _memory_of(task, device, limits), deadline(limits.seconds), heard:
            outcome = train(levels, seed, recorder)
    except DeadlinePassed as passed:
        outcome, error = "timed_out", str(passed)
    except Enough:
        outcome = "ok"
    except Certain as certain:
        outcome, error = certain.outcome, certain.why
    except TrialFailed as failure:
        known = failure.outcome in OUTCOMES and failure.outcome != "ok"
        outcome = failure.outcome if known else "crashed"
        error = failure.message if known else f"TrialFailed({failure.outcome!r}): expected one of {OUTCOMES[1:]}"
    except ScriptFailed as failure:
        outcome, error, place = failure.outcome, failure.error, failure.place
    except Exception as fault:
        if device_lost(fault):
            raise DeviceLost(f"{type(fault).__name__}: {fault}") from fault
        outcome, error, place = of_exception(fault), traceback.format_exc(), place_of(fault)
        if on_crash is not None and outcome == "crashed":
            on_crash(fault)
    return _result(task, seed, outcome, recorder, peak(), device, error, place)


def _intervened(
    task: Task, levels: dict[str, Any], recorder: Recorder, looked: Sequence[str] | None
) -> tuple[dict[str, Any], Callable[[Any], Callable[[], None]] | None]:
    """What a training in this process gets, and what is done to it from outside."""
    from backtrack.trial.intervening.applying import intervention_for

    own, changes = task.divided(levels)

    def found(anatomy: dict[str, Any]) -> None:
        recorder.anatomy = anatomy

    return own, intervention_for(changes, task.changes.anatomy, looked or (), found if looked is not None else None)


def _run_stacked(
    task: TorchTask, config: Config, seeds: Sequence[int], device: str, limits: Limits, watched: bool
) -> list[RunResult] | None:
    """The replicates as one stacked model; None where they have to be trained one after another.

    That is so where they cannot be stacked, and where anything failed on the way (memory for all of them at once, a
    bug in the task): alone each has its own outcome, and an error that says whose it is.
    """
    from backtrack.trial.loop import train_torch
    from backtrack.trial.stacked_recurrent import NotStackable

    recorders = [Recorder() for _ in seeds]
    _, peak = _program(task, device, watched, limits)
    errors = ""
    try:
        with _memory_of(task, device, limits), deadline(limits.seconds and limits.seconds * len(seeds)):
            outcomes = train_torch(task, task.levels(config), seeds, recorders, device, watched)
    except NotStackable as reason:
        log.info("%s: one after another: %s", config, reason)
        return None
    except DeadlinePassed as passed:
        outcomes, errors = ["timed_out"] * len(seeds), f"{passed} ({len(seeds)} replicates side by side)"
    except Exception as fault:
        if device_lost(fault):
            raise DeviceLost(f"{type(fault).__name__}: {fault}") from fault
        log.info("%s: one after another: %s: %s", config, type(fault).__name__, fault)
        return None
    return [
        _result(task, seed, outcome, recorder, peak(), device, errors)
        for seed, outcome, recorder in zip(seeds, outcomes, recorders, strict=True)
    ]


def _result(
    task: Task, seed: int, outcome: str, recorder: Recorder, peak: int, device: str, error: str, place: str = ""
) -> RunResult:
    """What is kept of one training."""
    return RunResult(
        seed=seed,
        outcome=outcome,
        value=recorder.last_finite(task.metric),
        epochs=recorder.epochs,
        seconds=recorder.train_seconds,
        warmup_seconds=recorder.warmup_seconds,
        peak_memory=recorder.memory or peak,
        chance=recorder.chance,
        device=recorder.device or (device if isinstance(task, TorchTask) else "cpu"),
        symptoms=symptoms_in(recorder.curve, task.thresholds),
        error=error,
        error_place=place,
        curve=tuple(recorder.curve),
        checks=tuple(recorder.seen),
        output=recorder.output,
    )


def _memory_of(task: Task, device: str, limits: Limits) -> AbstractContextManager[None]:
    """The memory limit for the kind of task."""
    if isinstance(task, ScriptTask):
        # The program's own process gets the limit.
        return nullcontext()
    if isinstance(task, FunctionTask):
        return process_memory(limits.memory)
    from backtrack.trial.memory import device_memory

    return device_memory(device, limits)


Train = Callable[[dict[str, Any], int, Recorder], str]


def _program(
    task: Task,
    device: str,
    watched: bool,
    limits: Limits,
    any_metric: bool = False,
    looked: Sequence[str] | None = None,
) -> tuple[Train, Callable[[], int]]:
    """The training program for the kind of task, and what reads its peak memory."""
    reset_peak_memory()
    if isinstance(task, FunctionTask):
        from backtrack.trial.blackbox import run_function

        return lambda levels, seed, recorder: run_function(task, levels, seed, recorder), peak_memory
    if isinstance(task, ScriptTask):
        from backtrack.trial.script import run_script

        def script(levels: dict[str, Any], seed: int, recorder: Recorder) -> str:
            return run_script(task, levels, seed, recorder, limits, watched, any_metric, looked)

        return script, peak_memory
    # torch is imported only where a torch task is trained: function tasks must not need it.
    from backtrack.trial.loop import train_torch
    from backtrack.trial.memory import device_peak_memory, reset_device_peak

    reset_device_peak(device)
    return (
        lambda levels, seed, recorder: train_torch(task, levels, [seed], [recorder], device, watched)[0],
        lambda: device_peak_memory(device),
    )
