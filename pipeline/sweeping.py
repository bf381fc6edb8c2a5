"""A whole sweep, from a task to its report: the Python twin of `backtrack sweep` and `backtrack resume`."""

from __future__ import annotations

import importlib
import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import StudyError
from pipeline.factor_json import describe_factor
from pipeline.manifest import describe_machine, describe_task, versions
from pipeline.plan import FinishedTrial, Plan
from pipeline.records import Records
from pipeline.resources import Resources
from pipeline.scratch import scratch
from pipeline.space import Config
from pipeline.stages import Sweep, next_plan, split_runs
from pipeline.study import Study
from pipeline.task import Task, load_task

if TYPE_CHECKING:
    import optuna

DEFAULT_STAGES = ("screen", "search", "confirm", "backtrack")


class Progress:
    """Told what happens while a sweep runs; the default says nothing. See `pipeline.console` for the live view."""

    def planned(self, study: Study, runs: Mapping[str, int], done: int) -> None:
        """The sweep is about to start: training runs for each stage, and how many are recorded already."""

    def started(self, workers: int, device: str) -> None:
        """Workers are up."""

    def finished(self, trial: FinishedTrial) -> None:
        """A trial has been recorded."""

    def tick(self, running: int) -> None:
        """Time passes; `running` trials are on."""

    def stage(self, message: str) -> None:
        """Something else is being done."""


def sweep(
    task: Task,
    runs: int,
    directory: str | Path | None = None,
    seed: int = 0,
    *,
    stages: Sequence[str] = DEFAULT_STAGES,
    alpha: float = 0.05,
    resources: Resources | None = None,
    track: bool = True,
    source: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """Runs a sweep and analyses it.

    Args:
        task: what to train.
        runs: training runs (replicates) over all stages.
        directory: where the study goes, a path or URI; default: a new directory under `studies/`.
        seed: of the study; the same seed plans the same screen.
        stages: which stages to run: of screen, search, confirm, backtrack, and claims (paired runs for each claim); the
            tool divides `runs` between them, but for those that name their own, such as "screen=120".
        alpha: the error rate of the verdicts.
        resources: workers, devices and limits; default: all of this machine.
        track: whether to log to MLflow beside the study, or to `MLFLOW_TRACKING_URI`.
        source: the task file, kept in the manifest so that `resume` finds it.
        progress: told what happens.

    Returns:
        The study with its tables. Its `complete` is False where the sweep was interrupted.

    Raises:
        BacktrackError: for anything that can be known to be wrong before the first trial, and where the
            study directory cannot be written.
    """
    split = split_runs(task.space, runs, stages)
    task.validate()
    location = str(directory) if directory is not None else default_directory(task.name)
    records = make_study(task, location, runs, split, seed, alpha, source)
    return _run(task, records, resources, track, progress or Progress())


def make_study(
    task: Task,
    directory: str | Path,
    runs: int,
    stages: Mapping[str, int],
    seed: int,
    alpha: float,
    source: str | None,
) -> Records:
    """A new study directory with its manifest; arguments as for `sweep`, `stages` with the runs of each.

    Raises:
        StudyError: where the place is taken or cannot be written.
    """
    manifest = {
        "study": secrets.token_hex(4),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "task": describe_task(task, source),
        "factors": [describe_factor(factor) for factor in task.space],
        "runs": runs,
        "stages": dict(stages),
        "seed": seed,
        "alpha": alpha,
        "versions": versions(),
        "machine": describe_machine(),
    }
    return Records.create(directory, task.space, manifest)


def resume(
    directory: str | Path,
    *,
    task: Task | None = None,
    resources: Resources | None = None,
    track: bool = True,
    progress: Progress | None = None,
) -> Study:
    """Goes on with an interrupted study from its records: no finished run is repeated.

    Args:
        directory: the study.
        task: the task, where it was given as an object; default: loaded as the manifest says.
        resources, track, progress: as for `sweep`; they may differ from the first time.

    Raises:
        StudyError: where there is no study, or the task's space has changed since.
    """
    records = Records.open(directory)
    task = task or task_of(records)
    if [describe_factor(factor) for factor in task.space] != records.manifest["factors"]:
        raise StudyError(
            f"the factors of task {task.name!r} are no longer those of the study {directory}; "
            "restore the task file that it was started with, or start a new study"
        )
    task.validate()
    return _run(task, records, resources, track, progress or Progress())


def task_of(records: Records) -> Task:
    """The task that a study was made of, with its options.

    Raises:
        StudyError: where it was given as a Python object and cannot be found again.
    """
    described = records.manifest["task"]
    if described["source"] == "object":
        raise StudyError(
            f"the study {records.location} was started from Python with a task object; go on with "
            "pipeline.resume(directory, task=...)"
        )
    task = load_task(described["name"], None if described["source"] == "builtin" else described["source"])
    task = task.with_options(described["options"]).with_fixed(described.get("fixed", {}))
    return task.with_thresholds(described.get("thresholds", {}))


def default_directory(name: str) -> str:
    """A new directory for a study of the task `name`: `studies/NAME-1`, `-2`, …"""
    number = 1
    while (Path("studies") / f"{name}-{number}").exists():
        number += 1
    return str(Path("studies") / f"{name}-{number}")


def _run(task: Task, records: Records, resources: Resources | None, track: bool, progress: Progress) -> Study:
    from pipeline import tracking
    from pipeline.engine import execute

    study = Study(records)
    manifest = records.manifest
    plan = Sweep(
        task.space, manifest["stages"], int(manifest["seed"]), task.metric, task.mode, float(manifest["alpha"])
    )
    finished = records.finished()
    progress.planned(study, plan.runs, sum(len(trial.results) for trial in finished))
    known = len(finished)
    follower: tracking.Follower | None = None

    def begin_beside() -> tracking.Follower | None:
        """Starts what runs beside the trainings: what writes to MLflow, and the import of the analysis."""
        threading.Thread(target=importlib.import_module, args=("pipeline.report.page",), daemon=True).start()
        return tracking.follow(records) if track else None

    def plan_next(running: Collection[str]) -> Plan | None:
        return next_plan(plan, finished, running)

    def record(trial: FinishedTrial) -> None:
        nonlocal follower
        records.append(trial)
        if len(finished) == known:
            # Not before trainings run: both take seconds, and the start of Ray and its workers needs every core.
            follower = begin_beside()
        finished.append(trial)
        progress.finished(trial)

    with scratch("optuna") as folder:

        def search_study(first: Sequence[Config]) -> optuna.Study:
            return _search_study(task, records, finished, folder, plan.seed, first)

        try:
            # Ray takes seconds to start: not for a study that is complete.
            complete = plan_next(()) is None or execute(
                task,
                plan_next,
                record,
                search_study,
                resources or Resources(),
                on_start=progress.started,
                on_tick=progress.tick,
            )
            if len(finished) == known:
                follower = begin_beside()
            progress.stage("analysing")
            study.complete = complete
            study.analyse()
        finally:
            if follower is not None:
                progress.stage("writing to MLflow")
                problem = follower.finish()
                if problem:
                    progress.stage(problem)
    return study


def _search_study(
    task: Task, records: Records, finished: Sequence[FinishedTrial], spare: Path, seed: int, first: Sequence[Config]
) -> optuna.Study:
    """The search's study on a journal file inside the study directory (or a local copy of a remote one)."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from pipeline.stages.search import build_study, make_sampler

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    root = records.local_path()
    folder = (root or spare) / "optuna"
    folder.mkdir(exist_ok=True)
    journal = folder / "journal.log"
    # The records are the truth; what an interrupted driver left here is made anew from them.
    journal.unlink(missing_ok=True)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return build_study(storage, task.space, task.mode, finished, make_sampler(seed), first)
