"""Why one config failed: backtracking on demand, the Python twin of `backtrack why`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from backtrack.errors import Interrupted, PlanError, SpaceError, StudyError
from backtrack.evidence.failures.backtracking import backtrack_one
from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.laboratory import Run, runs_of
from backtrack.records.directory import Records
from backtrack.records.lock import driving
from backtrack.records.making import make_study
from backtrack.running.engine import Engine, Work
from backtrack.running.resources import Resources
from backtrack.running.sweeping import as_recorded, default_directory, engine_for, task_of
from backtrack.stages.backtrack import as_trials
from backtrack.stages.screen import plan_screen, seed_pool
from backtrack.task import Task
from backtrack.views.cause_sentences import repair_text
from backtrack.vocabulary.config import Config, label
from backtrack.vocabulary.plan import ASKED, FinishedTrial, FixedPlan, Plan, PlannedTrial, trial_id

if TYPE_CHECKING:
    import optuna

# Further training runs of one investigation, at most.
DEFAULT_RUNS = 100
# A config that never was in a study: it is run with so many seeds, and beside so many configs of a balanced design,
# among which there is mostly one that trains.
ASKED_SEEDS, NEIGHBOURS = 3, 12
ASKED_TRIAL = trial_id(ASKED, 0)
# Points of a curve that a sentence shows.
POINTS = 8


@dataclass(frozen=True)
class Story:
    """What `why` found.

    Args:
        trial: id of the failed trial.
        config: its levels.
        cause: as far as it could be shrunk and verified; None where the config did not fail.
        runs: training runs that were made for it now.
        symptoms: `{trial: symptoms}` of the failing and the passing trial.
        curves: `{trial: (metric at its reports)}` of those two, with one seed each.
        metric: that the curves show.
        outcomes: how the runs of the trial ended.
        study: where the runs are recorded.

    Example:
        >>> story = why("studies/mine", "screen-00007")  # doctest: +SKIP
        >>> print(*story.sentences)  # doctest: +SKIP
    """

    trial: str
    config: Config
    cause: Cause | None
    runs: int
    symptoms: Mapping[str, Sequence[str]]
    curves: Mapping[str, Sequence[float]]
    metric: str
    outcomes: Sequence[str]
    study: str

    @property
    def sentences(self) -> list[str]:
        """The story, a sentence an entry."""
        cause = self.cause
        levels = ", ".join(f"{name}={label(level)}" for name, level in self.config.items())
        if cause is None:
            return [f"{self.trial} ({levels}) did not fail: {', '.join(self.outcomes)}."]
        told = [f"{self.trial} ended in {cause.outcome}: {levels}."]
        if cause.passing is None or cause.failing is None:
            told.append(
                f"Its failure did not come again with other seeds ({cause.runs} runs): this seed's luck decided."
                if cause.refuted
                else f"{cause.runs} runs were not enough to shrink it; give --runs more."
            )
            return told
        told.append(f"It was compared with {cause.passing.trial}, the nearest config that trained.")
        told += self._tried(cause)
        if cause.parts:
            told.append(f"The smallest part of the difference that breaks it: {' and '.join(map(str, cause.parts))}.")
            told.append(f"Smallest repair: {repair_text(cause)}.")
        only = sorted({*self.symptoms.get(cause.failing.trial, ())} - {*self.symptoms.get(cause.passing.trial, ())})
        if only:
            told.append(f"Symptoms of the failing run that the passing one does not have: {', '.join(only)}.")
        for trial in (cause.failing.trial, cause.passing.trial):
            if self.curves.get(trial):
                told.append(f"{self.metric} of {trial}: {' '.join(f'{value:.3g}' for value in self.curves[trial])}.")
        for way, what in ((cause.broke, "Adding it to"), (cause.mended, "Removing it from")):
            if way:
                turned = sum(flip.turned for flip in way)
                names = ", ".join(f"{flip.before} → {flip.after}" for flip in way)
                told.append(f"{what} other configs turned the outcome in {turned} of {len(way)}: {names}.")
        state = "verified both ways" if cause.verified else "refuted" if cause.refuted else "not verified yet"
        told.append(f"State: {state}. This rests on {cause.runs} runs, {self.runs} runs made now.")
        return told

    def _tried(self, cause: Cause) -> list[str]:
        """What was put into the passing config on the way, and whether it broke."""
        assert cause.passing is not None
        base = cause.passing.config
        lines = []
        for config, failed in cause.tried:
            changed = [f"{name}={label(level)}" for name, level in config.items() if base.get(name) != level]
            if changed and len(changed) <= len(base) // 2:
                lines.append(f"{' '.join(changed)} {'breaks' if failed else 'does not break'} it")
        return [f"Tried in it: {'; '.join(dict.fromkeys(lines))}."] if lines else []


def why(
    directory: str | Path,
    trial: str,
    *,
    runs: int = DEFAULT_RUNS,
    task: Task | None = None,
    resources: Resources | None = None,
    here: bool = False,
) -> Story:
    """Shrinks one failed trial's difference to a config that trained, opens it, and verifies it both ways.

    What it runs is recorded in the study, in stage "backtrack": asked again, it repeats nothing.

    Args:
        directory: the study.
        trial: id of a failed trial.
        runs: at most so many further training runs.
        task: the task, where it was given as an object.
        resources: what may be used.
        here: whether to train in this process, without Ray.

    Raises:
        StudyError: where there is no such trial, it did not fail, or another driver has the study.
        Interrupted: on Ctrl-C; what had finished is recorded.

    Example:
        >>> why("studies/mine", "screen-00007").sentences  # doctest: +SKIP
    """
    with driving(Records.open(directory)):
        records = Records.open(directory)
        known = as_recorded(task or task_of(records), records)
        return _explain(known, records, trial, runs, resources or Resources(), 0, engine_for(here))


def why_config(
    task: Task,
    config: Mapping[str, Any],
    directory: str | Path | None = None,
    *,
    runs: int = DEFAULT_RUNS,
    seed: int = 0,
    resources: Resources | None = None,
    here: bool = False,
) -> Story:
    """The same for a config that never was in a study: runs what is needed from nothing, in a study of its own.

    First the config itself, with `ASKED_SEEDS` seeds, and a small balanced screen, for configs that train; if the
    config fails, `why` goes on from there. A study that is there already is gone on with, and repeats nothing.

    Args:
        task: what is trained.
        config: `{factor: level}`; factors that are left out take their first level (numeric: the middle).
        directory: of the study; default: a new one under `studies/`.
        runs: at most so many training runs in all.
        seed: of the study.
        resources: what may be used.
        here: whether to train in this process, without Ray.

    Raises:
        SpaceError: for an unknown factor or level.
        PlanError: where `runs` are too few for the config and its screen.
        StudyError: where the study asks about another config, or nothing trained that it could be compared with.
        Interrupted: on Ctrl-C; what had finished is recorded.

    Example:
        >>> why_config(load_task("squirrel"), {"init": "heuristic"}).sentences  # doctest: +SKIP
    """
    task.check_has_factors()
    unknown = sorted(set(config) - {factor.name for factor in task.space})
    if unknown:
        raise SpaceError(
            f"the config has {unknown}, which task {task.name!r} does not vary; its factors: "
            f"{', '.join(factor.name for factor in task.space)}"
        )
    asked = task.space.repair(config, {})
    screen = plan_screen(task.space, max(NEIGHBOURS, 2 * len(task.space.factors)), seed)
    first = [PlannedTrial(ASKED_TRIAL, "screen", asked, seed_pool(seed)[:ASKED_SEEDS], ASKED), *screen]
    beforehand = sum(len(planned.seeds) for planned in first)
    if runs < beforehand:
        raise PlanError(
            f"{runs} runs are too few to ask about a config: {ASKED_SEEDS} runs of the config and {len(screen)} of "
            f"others to compare it with come first; give at least {beforehand}; {beforehand + 40} give useful answers"
        )
    task.validate()
    place = str(directory) if directory is not None else default_directory(f"why-{task.name}")
    with driving(Records(place)):
        there = Records(place).has("manifest.json")
        stages = {"screen": beforehand}
        records = Records.open(place) if there else make_study(task, place, runs, stages, seed, 0.05, track=False)
        known = {finished.planned.trial: finished.planned.config for finished in records.finished()}
        if known.get(ASKED_TRIAL, asked) != asked:
            raise StudyError(f"{place} asks about another config; choose another directory")

        def missing() -> list[PlannedTrial]:
            recorded = set(records.trials()["trial"].to_pylist())
            return [planned for planned in first if planned.trial not in recorded]

        use, engine = resources or Resources(), engine_for(here)
        made = _run(task, records, missing, beforehand, use, engine)
        asked_runs = next(finished for finished in records.finished() if finished.planned.trial == ASKED_TRIAL)
        outcomes = [result.outcome for result in asked_runs.results]
        if all(outcome == "ok" for outcome in outcomes):
            return Story(
                trial=ASKED_TRIAL,
                config=asked,
                cause=None,
                runs=made,
                symptoms={},
                curves={},
                metric=task.metric,
                outcomes=outcomes,
                study=place,
            )
        return _explain(task, records, ASKED_TRIAL, runs - beforehand, use, made, engine)


def read_config(file: str | Path) -> dict[str, Any]:
    """A config from a JSON file: `{factor: level}`, or the `best.json` of a study.

    Raises:
        StudyError: where it cannot be read.
    """
    try:
        found = json.loads(Path(file).read_text())
    except (OSError, ValueError) as fault:
        raise StudyError(f'config file {file}: {fault}; expected JSON like {{"lr": 0.001}}') from fault
    found = found.get("config", found) if isinstance(found, dict) else found
    if not isinstance(found, dict):
        raise StudyError(f"config file {file} holds {type(found).__name__}; expected an object of factors and levels")
    return found


def _explain(
    task: Task, records: Records, trial: str, runs: int, resources: Resources, before: int, engine: Engine
) -> Story:
    def known() -> list[Run]:
        return runs_of(records.space, records.trials(), records.manifest["task"]["mode"])

    def wanted() -> list[PlannedTrial]:
        return as_trials(backtrack_one(records.space, known(), trial)[1])

    spent = _run(task, records, wanted, runs, resources, engine)
    recorded = known()
    cause, _ = backtrack_one(records.space, recorded, trial)
    own = [run for run in recorded if run.trial == trial]
    shown = [run for run in (cause.failing, cause.passing) if run is not None]
    metric, curves = records.manifest["task"]["metric"], records.curves()
    return Story(
        trial=trial,
        config=own[0].config,
        cause=cause,
        runs=before + spent,
        symptoms={run.trial: run.symptoms for run in shown},
        curves={run.trial: _curve(curves, run, metric) for run in shown},
        metric=metric,
        outcomes=[run.outcome for run in own],
        study=records.location,
    )


def _curve(curves: pa.Table, run: Run, metric: str) -> list[float]:
    """A run's metric, thinned to a few points with the last one kept."""
    mine = curves.filter(pyarrow.compute.field("trial") == run.trial)
    mine = mine.filter((pyarrow.compute.field("seed") == run.seed) & (pyarrow.compute.field("name") == metric))
    values = mine.sort_by("step")["value"].to_pylist()
    return [values[n] for n in sorted({round(p) for p in np.linspace(0, len(values) - 1, POINTS)})] if values else []


def _run(
    task: Task,
    records: Records,
    wanted: Callable[[], Sequence[PlannedTrial]],
    runs: int,
    resources: Resources,
    engine: Engine,
) -> int:
    """Runs what is wanted, asking again as results come in, until nothing is; returns the training runs that it took.

    Args:
        task, records: what is trained, and where its results go.
        wanted: trials that are not recorded, as far as is known now.
        runs: at most so many.
        resources, engine: what may be used, and what carries it out.

    Raises:
        Interrupted: on Ctrl-C.
    """
    spent = 0

    def plan_next(running: Collection[PlannedTrial]) -> Plan | None:
        handed_out = {planned.trial for planned in running}
        fresh, left = [], runs - spent - sum(len(planned.seeds) for planned in running)
        for planned in wanted():
            if planned.trial not in handed_out and left >= len(planned.seeds):
                fresh.append(planned)
                left -= len(planned.seeds)
        return FixedPlan(fresh) if fresh or running else None

    def record(finished: FinishedTrial) -> None:
        nonlocal spent
        records.append(finished)
        spent += len(finished.results)

    # Ray takes seconds to start: not where nothing is missing.
    if plan_next(()) is not None and not engine(Work(task, plan_next, record, no_search, resources)):
        raise Interrupted(
            f"interrupted; {spent} runs are recorded in {records.location}: the same command goes on with them"
        )
    return spent


def no_search(first: Sequence[Config]) -> optuna.Study:
    raise AssertionError("backtracking plans no search")
