"""A whole sweep, from a task to its report: the Python twin of `backtrack sweep` and `backtrack resume`."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from backtrack.errors import BacktrackError, StudyError
from backtrack.evidence.certain import Slowest, is_audited
from backtrack.records.directory import Records
from backtrack.records.lock import driving
from backtrack.records.making import make_study
from backtrack.running.beside import Logged
from backtrack.running.engine import Engine, Work
from backtrack.running.further import Asked, Within, open_budget, reopened
from backtrack.running.hopeless import ENOUGH, check_not_hopeless
from backtrack.running.reachable import check_reachable
from backtrack.running.resources import Resources, workers_of
from backtrack.running.scratch import scratch
from backtrack.running.search_study import search_study
from backtrack.running.suspicion import Suspicion
from backtrack.stages import Sweep, next_plan, split_runs
from backtrack.stages.budget import first_runs
from backtrack.stages.extension import Extension
from backtrack.stages.screen import plan_screen
from backtrack.task import Task, load_task
from backtrack.task.script_task import script_from
from backtrack.vocabulary.as_json import describe_factor, factor_from
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.finding import WRONG
from backtrack.vocabulary.goals import goals_from
from backtrack.vocabulary.plan import FinishedTrial, FixedPlan, Plan, PlannedTrial
from backtrack.vocabulary.progress import Outline, Progress

if TYPE_CHECKING:
    from backtrack.views.study import Study

# Asked when everything has been run: gives the study an extension, and says how many runs and why; None to end.
Further = Callable[[Records, Sequence[FinishedTrial]], tuple[int, str] | None]
DEFAULT_STAGES = ("screen", "search", "confirm", "backtrack")
DEFAULT_RUNS = 200
# Of the faults that checks find, so many are told while the sweep runs; the report has all.
MOST_TOLD = 8


def sweep(
    task: Task,
    runs: int = DEFAULT_RUNS,
    directory: str | Path | None = None,
    seed: int = 0,
    *,
    stages: Sequence[str] = DEFAULT_STAGES,
    alpha: float = 0.05,
    until: str | None = None,
    hours: float | None = None,
    resources: Resources | None = None,
    track: bool = True,
    stop_certain: bool = False,
    keep_going: bool = False,
    here: bool = False,
    debugger: bool = False,
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
        until: "decided": begin with part of `runs`, look, and go on until every question is decided or cannot be.
        hours: wall time instead of `runs`: how many fit follows from the measured times.
        resources: workers, devices and limits; default: all of this machine.
        track: whether to log to MLflow beside the study, or to `MLFLOW_TRACKING_URI`.
        stop_certain: whether to end trainings whose outcome is certain: a metric that is not finite, or one at chance
            after more reports than any run of the study needed to learn. One trial in twenty goes on, as an audit.
        keep_going: whether to go on where every training crashes with the same exception.
        here: whether to train in this process, one after another, without Ray; for debugging.
        debugger: with `here`, whether to open pdb where a training crashes.
        progress: told what happens.

    Returns:
        The study with its tables. Its `complete` is False where the sweep was interrupted.

    Raises:
        BacktrackError: for anything that can be known to be wrong before the first trial, where every training crashes
            in the same way, and where the study directory cannot be written.

    Example:
        >>> study = sweep(load_task("squirrel"), runs=170, directory="studies/mine")  # doctest: +SKIP
        >>> study.causes.to_pylist()  # doctest: +SKIP
    """
    task.check_has_factors()
    first, spends = first_runs(task.space, runs, until, hours)
    split = split_runs(task.space, first, stages)
    task.validate()
    if not here:
        check_reachable(resources)
    location = str(directory) if directory is not None else default_directory(task.name)
    with driving(Records(location)):
        asked = {**spends, **({"stop_certain": True} if stop_certain else {})}
        records = make_study(task, location, first, split, seed, alpha, track, **asked)
        further = _further(records, runs - first, until, hours, resources, here)
        with _gone_if_nothing_ran(records):
            return run_study(
                task,
                records,
                resources,
                track,
                keep_going,
                engine_for(here, debugger),
                progress or Progress(),
                further,
            )


def resume(
    directory: str | Path,
    *,
    task: Task | None = None,
    resources: Resources | None = None,
    track: bool | None = None,
    keep_going: bool = False,
    here: bool = False,
    debugger: bool = False,
    progress: Progress | None = None,
) -> Study:
    """Goes on with an interrupted study from its records: no finished run is repeated.

    Args:
        directory: the study.
        task: the task, where it was given as an object; default: loaded as the manifest says.
        resources, keep_going, here, debugger, progress: as for `sweep`; they may differ from the first time.
        track: as for `sweep`; default: as the first time.

    Raises:
        StudyError: where there is no study, another driver has it, or the task's factors have changed since.

    Example:
        >>> resume("studies/mine").complete  # doctest: +SKIP
        True
    """
    with driving(Records.open(directory)):
        records = Records.open(directory).as_sweep()
        task = as_recorded(task or task_of(records), records)
        task.validate()
        told_of_file(task, records, progress or Progress())
        if not here:
            check_reachable(resources)
        return run_study(
            task,
            records,
            resources,
            track,
            keep_going,
            engine_for(here, debugger),
            progress or Progress(),
            reopened(records),
        )


def task_of(records: Records, file: Path | None = None) -> Task:
    """The task that a study was made of, with its options.

    Args:
        records: the study.
        file: the task file, where it is no longer where the manifest says.

    Raises:
        StudyError: where it was given as a Python object and cannot be found again.
    """
    described = records.manifest["task"]
    if "merged" in records.manifest:
        raise StudyError(
            f"{records.location} joins the studies {' and '.join(records.manifest['merged'])}; go on with one of them, "
            "and merge again"
        )
    if described["source"] == "object" and file is None:
        raise StudyError(
            f"the study {records.location} was started from Python with a task object; go on with "
            "backtrack.resume(directory, task=...)"
        )
    if described["source"] == "runs":
        raise StudyError(
            f"{records.location} holds runs that existed already, and no task; run what they suggest by your own: "
            f"backtrack sweep TASK --from {records.location}"
        )
    if described["source"] == "script" and file is None:
        held = [factor_from(fields) for fields in described.get("held", ())]
        script = script_from(described["script"], [*_own_factors(records), *held])
        whole = _changed(script, records).with_fixed(described.get("fixed", {}))
        return _with_goals(whole.with_thresholds(described.get("thresholds", {})), records)
    task = load_task(described["name"], file or _file_of(records))
    task = _changed(task.with_options(described["options"]), records).with_fixed(described.get("fixed", {}))
    return _with_goals(task.with_thresholds(described.get("thresholds", {})), records)


def _with_goals(task: Task, records: Records) -> Task:
    """The task with the goals that its study is judged by."""
    return task.with_goals(goals_from(records.manifest["task"].get("goals", ())))


def _file_of(records: Records) -> str | Path | None:
    """The task file where the manifest says; else one of that name beside the study or in the working directory.

    A study that was copied to another machine finds its task so. None for a built-in task.
    """
    source = records.manifest["task"]["source"]
    if source == "builtin" or Path(source).exists():
        return None if source == "builtin" else str(source)
    root = records.local_path()
    places = [*([root, root.parent, root.parent.parent] if root is not None else []), Path.cwd()]
    return next((place / Path(source).name for place in places if (place / Path(source).name).is_file()), str(source))


def told_of_file(task: Task, records: Records, progress: Progress) -> None:
    """Says so where the task file is another than the manifest names, or has changed since."""
    described = records.manifest["task"]
    if task.source is None or task.source.file is None or described["source"] in ("object", "builtin"):
        return
    if str(task.source.file) != described["source"]:
        progress.stage(f"task file: {task.source.file} (when the study was begun: {described['source']})")
    if described["sha256"] and task.source.digest != described["sha256"]:
        progress.stage(f"the task file {task.source.file} has changed since the study was begun")


def _own_factors(records: Records) -> list[Factor]:
    """The study's factors without interventions."""
    names = records.manifest["task"].get("changes", {}).get("names", ())
    return [factor for factor in records.space if factor.name not in names]


def _changed(task: Task, records: Records) -> Task:
    """The task with the study's interventions as factors."""
    changes = records.manifest["task"].get("changes")
    if not changes:
        return task
    factors = [factor for factor in records.space if factor.name in changes["names"]]
    return task.with_changes(factors, changes["anatomy"])


def as_recorded(task: Task, records: Records) -> Task:
    """The task with the space of its study: that is what the manifest says, whatever machine goes on with it.

    A task may offer the levels that its machine can run, such as numbers of threads.

    Raises:
        StudyError: where the factors are others, and so is the task's file.
    """
    recorded = records.manifest["factors"]
    if [describe_factor(factor) for factor in task.space] == recorded:
        return task
    described = records.manifest["task"]
    changed = task.source is None or (task.source.file is not None and task.source.digest != described["sha256"])
    if changed or {factor.name for factor in task.space} != {fields["name"] for fields in recorded}:
        raise StudyError(
            f"the factors of task {task.name!r} are no longer those of the study {records.location}; "
            "restore the task file that it was started with, or start a new study"
        )
    others = [factor for factor in task.factors if factor.name in task.fixed]
    return replace(task, factors=(*records.space, *others))


def default_directory(name: str) -> str:
    """A new directory for a study of the task `name`: `studies/NAME-1`, `-2`, …"""
    number = 1
    while (Path("studies") / f"{name}-{number}").exists():
        number += 1
    return str(Path("studies") / f"{name}-{number}")


def engine_for(here: bool, debugger: bool = False) -> Engine:
    """What carries plans out; arguments as for `sweep`."""
    if here:
        from backtrack.running import here as own

        return partial(own.execute, debugger=debugger)
    from backtrack.running import on_ray

    return on_ray.execute


def _further(
    records: Records, left: int, until: str | None, hours: float | None, resources: Resources | None, here: bool
) -> Further | None:
    """What goes on after the sweep's first runs; arguments as for `sweep`, `left` runs for it."""
    if hours is not None:
        return Within(Asked(), time.monotonic() + hours * 3600, workers_of(resources, here))
    return open_budget(records, Asked(), left) if until is not None and left else None


@contextmanager
def _gone_if_nothing_ran(records: Records) -> Iterator[None]:
    """Removes a study that failed before its first record, so that the same command can be given again."""
    try:
        yield
    except BacktrackError:
        records.discard()
        raise


def run_study(
    task: Task,
    records: Records,
    resources: Resources | None,
    track: bool | None,
    keep_going: bool,
    engine: Engine,
    progress: Progress,
    further: Further | None = None,
) -> Study:
    driver = _Driver(task, records, keep_going, records.is_tracked(track), progress, further)
    progress.planned(
        Outline(
            task=task.name,
            metric=task.metric,
            mode=task.mode,
            directory=records.location,
            runs=driver.planned_runs,
            recorded=tuple(driver.finished),
        )
    )
    with scratch("optuna") as folder:
        work = Work(
            task=task,
            next_plan=driver.next_plan,
            record=driver.record,
            search_study=lambda first: search_study(task, records, driver.finished, folder, driver.plan.seed, first),
            resources=resources or Resources(),
            on_start=progress.started,
            on_tick=progress.tick,
            patience=driver.patience,
            rehearsed=() if driver.finished or keep_going else _differing(task, driver.plan.seed),
            on_difference=lambda values: records.note(same_seed=list(values)),
        )
        try:
            # Ray takes seconds to start: not for a study that is complete.
            complete = driver.next_plan(()) is None or engine(work)
            driver.begin_beside()
            progress.stage("analysing")
            from backtrack.running.reporting import write_report

            return write_report(records, complete=complete)
        finally:
            driver.end_beside()


class _Driver:
    """The driver's side of a sweep: what has finished, and what follows from it."""

    def __init__(
        self,
        task: Task,
        records: Records,
        keep_going: bool,
        track: bool,
        progress: Progress,
        further: Further | None = None,
    ) -> None:
        manifest = records.manifest
        self.plan = Sweep(
            space=task.space,
            runs={} if manifest.get("closed") else manifest["stages"],
            seed=int(manifest["seed"]),
            metric=task.metric,
            mode=task.mode,
            alpha=float(manifest["alpha"]),
            extensions=Extension.of(manifest),
        )
        self.finished = records.finished()
        self._records, self._keep_going, self._progress = records, keep_going, progress
        self._further = further
        self._suspicion = Suspicion(task.space)
        self._slowest: Slowest | None = None
        if manifest.get("stop_certain"):
            self._slowest = Slowest(task.metric, task.mode, getattr(task, "noise", None))
            self._slowest.add(self.finished)
        self._logged = Logged(records, track, progress.stage)
        self._begun = False
        self._told: set[tuple[str, str]] = set()

    def next_plan(self, running: Collection[PlannedTrial]) -> Plan | None:
        """What to run next."""
        plan = next_plan(self.plan, self.finished, running)
        if plan is not None or self._further is None:
            return plan
        if running:
            # Whether to go on is decided when all of them have ended.
            return FixedPlan([])
        while plan is None and (more := self._further(self._records, self.finished)) is not None:
            self.plan = replace(self.plan, extensions=Extension.of(self._records.manifest))
            self._progress.extended(*more)
            plan = next_plan(self.plan, self.finished, running)
        return plan

    @property
    def planned_runs(self) -> dict[str, int]:
        """Training runs for each stage, with those of extensions."""
        more = sum(one.evidence + one.flips for one in self.plan.extensions)
        return {**self.plan.runs, **({"more": more} if more else {})}

    def record(self, trial: FinishedTrial) -> None:
        """Records a trial and tells of it.

        Raises:
            StudyError: where it cannot be written.
            TaskError: where every training crashes in the same way.
        """
        self._records.append(trial)
        # Not before trainings run: it takes seconds, and the start of Ray and its workers needs every core.
        self.begin_beside()
        self.finished.append(trial)
        if self._slowest is not None:
            self._slowest.add([trial])
        self._progress.finished(trial)
        self._tell_checks(trial)
        if not self._keep_going:
            check_not_hopeless(self.finished)
        suspected = self._suspicion.after(self.finished)
        if suspected is not None:
            self._progress.suspects(suspected)

    def patience(self, planned: PlannedTrial) -> int | None:
        """After how many reports a trial is ended that is at chance; None where it goes on to its end."""
        if self._slowest is None or is_audited(planned.trial):
            return None
        return self._slowest.patience or 0

    def _tell_checks(self, trial: FinishedTrial) -> None:
        """Tells of each fault once, as soon as a run shows it."""
        for found in (one for result in trial.results for one in result.checks if one.weight == WRONG):
            if (found.check, found.place) not in self._told and len(self._told) < MOST_TOLD:
                self._told.add((found.check, found.place))
                what = found.check.replace("_", " ")
                self._progress.checked(f"{what} at {found.place} ({trial.planned.trial}): {found.measured}")

    def begin_beside(self) -> None:
        """Starts once what runs beside the trainings: what writes to MLflow, and the import of the analysis."""
        if self._begun:
            return
        self._begun = True
        threading.Thread(target=importlib.import_module, args=("backtrack.running.reporting",), daemon=True).start()
        self._logged.begin()

    def end_beside(self) -> None:
        """Waits until MLflow has everything, or says what it lacks."""
        self._logged.end()


def _differing(task: Task, seed: int) -> list[PlannedTrial]:
    """Trials that a user's task is tried with before anything is recorded; a built-in task has been run often."""
    if task.source is not None and task.source.file is None:
        return []
    return plan_screen(task.space, ENOUGH, seed)
