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

from pipeline.config import Config, label
from pipeline.errors import StudyError
from pipeline.plan import FinishedTrial, FixedPlan, Plan, PlannedTrial
from pipeline.records import Records
from pipeline.resources import Resources
from pipeline.task import Task

if TYPE_CHECKING:
    import optuna

    from pipeline.analysis.cause import Cause
    from pipeline.analysis.laboratory import Run

# A config that never was in a study: it is run with so many seeds, and beside so many configs of a balanced design,
# among which there is mostly one that trains.
ASKED_SEEDS, NEIGHBOURS = 3, 12
ASKED = "asked-00000"
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
    """

    trial: str
    config: Config
    cause: Cause | None
    runs: int
    symptoms: Mapping[str, Sequence[str]]
    curves: Mapping[str, Sequence[float]]
    metric: str
    outcomes: Sequence[str]

    @property
    def sentences(self) -> list[str]:
        """The story, a sentence an entry."""
        from pipeline.report.findings import repair_text

        cause = self.cause
        levels = ", ".join(f"{name}={label(level)}" for name, level in self.config.items())
        if cause is None:
            return [f"{self.trial} ({levels}) did not fail: {', '.join(self.outcomes)}."]
        told = [f"{self.trial} ended in {cause.outcome}: {levels}."]
        if cause.passing is None or cause.failing is None:
            told.append(
                f"Its failure did not come again with other seeds: chance, as far as {cause.runs} runs can tell."
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
        for way, what in ((cause.broke, "Put into"), (cause.mended, "Taken out of")):
            if way:
                turned = sum(flip.turned for flip in way)
                names = ", ".join(f"{flip.before} → {flip.after}" for flip in way)
                told.append(f"{what} other configs it turned the outcome in {turned} of {len(way)}: {names}.")
        state = "verified both ways" if cause.verified else "refuted" if cause.refuted else "not verified yet"
        told.append(f"State: {state}; {cause.runs} answers of the laboratory, {self.runs} runs made now.")
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
    runs: int = 60,
    task: Task | None = None,
    resources: Resources | None = None,
) -> Story:
    """Shrinks one failed trial's difference to a config that trained, opens it, and verifies it both ways.

    What it runs is recorded in the study, in stage "backtrack": asked again, it repeats nothing.

    Args:
        directory: the study.
        trial: id of a failed trial.
        runs: at most so many further training runs.
        task: the task, where it was given as an object.
        resources: what may be used.

    Raises:
        StudyError: where there is no such trial or it did not fail.
    """
    from pipeline.sweeping import task_of

    records = Records.open(directory)
    return _explain(task or task_of(records), records, trial, runs, resources, 0)


def why_config(
    task: Task,
    config: Mapping[str, Any],
    directory: str | Path,
    *,
    runs: int = 100,
    seed: int = 0,
    resources: Resources | None = None,
    source: str | None = None,
) -> Story:
    """The same for a config that never was in a study: runs what is needed from nothing, in a study of its own.

    First the config itself, with `ASKED_SEEDS` seeds, and a small balanced screen, for configs that train; if the
    config fails, `why` goes on from there. A study that is there already is gone on with, and repeats nothing.

    Args:
        task: what is trained.
        config: `{factor: level}`; factors that are left out take their first level (numeric: the middle).
        directory: of the study.
        runs: at most so many training runs in all.
        seed: of the study.
        resources: what may be used.
        source: the task file, kept in the manifest.

    Raises:
        SpaceError: for an unknown level.
        StudyError: for an unknown factor, or where nothing trained that it could be compared with.
    """
    from pipeline.stages.screen import plan_screen, seed_pool
    from pipeline.sweeping import make_study

    unknown = sorted(set(config) - {factor.name for factor in task.space})
    if unknown:
        raise StudyError(f"the config has {unknown}, which task {task.name!r} does not vary; its factors: "
                         f"{', '.join(factor.name for factor in task.space)}")  # fmt: skip
    asked = task.space.repair(config, {})
    screen = plan_screen(task.space, max(NEIGHBOURS, 2 * len(task.space.factors)), seed)
    first = [PlannedTrial(ASKED, "screen", asked, seed_pool(seed)[:ASKED_SEEDS]), *screen]
    records = (
        Records.open(directory)
        if Records(directory).has("manifest.json")
        else make_study(task, directory, runs, {"screen": len(screen) + ASKED_SEEDS}, seed, 0.05, source)
    )
    known = {finished.planned.trial: finished.planned.config for finished in records.finished()}
    if known.get(ASKED, asked) != asked:
        raise StudyError(f"{directory} asks about another config; choose another --study")
    beforehand = sum(len(planned.seeds) for planned in first)

    def missing() -> list[PlannedTrial]:
        recorded = set(records.trials()["trial"].to_pylist())
        return [planned for planned in first if planned.trial not in recorded]

    made = _run(task, records, missing, beforehand, resources or Resources())
    asked_runs = next(finished for finished in records.finished() if finished.planned.trial == ASKED)
    outcomes = [result.outcome for result in asked_runs.results]
    if all(outcome == "ok" for outcome in outcomes):
        return Story(ASKED, asked, None, made, {}, {}, task.metric, outcomes)
    return _explain(task, records, ASKED, max(0, runs - beforehand), resources, made)


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


def _explain(task: Task, records: Records, trial: str, runs: int, resources: Resources | None, before: int) -> Story:
    from pipeline.analysis.backtracking import backtrack_one
    from pipeline.analysis.laboratory import runs_of
    from pipeline.stages.backtrack import probes

    def known() -> list[Run]:
        return runs_of(records.space, records.trials(), records.manifest["task"]["mode"])

    spent = _run(
        task, records, lambda: probes(backtrack_one(records.space, known(), trial)[1]), runs, resources or Resources()
    )
    recorded = known()
    cause, _ = backtrack_one(records.space, recorded, trial)
    own = [run for run in recorded if run.trial == trial]
    shown = [run for run in (cause.failing, cause.passing) if run is not None]
    metric = records.manifest["task"]["metric"]
    curves = records.curves()
    return Story(
        trial,
        own[0].config,
        cause,
        before + spent,
        {run.trial: run.symptoms for run in shown},
        {run.trial: _curve(curves, run, metric) for run in shown},
        metric,
        [run.outcome for run in own],
    )


def _curve(curves: pa.Table, run: Run, metric: str) -> list[float]:
    """A run's metric, thinned to a few points with the last one kept."""
    mine = curves.filter(pyarrow.compute.field("trial") == run.trial)
    mine = mine.filter((pyarrow.compute.field("seed") == run.seed) & (pyarrow.compute.field("name") == metric))
    values = mine.sort_by("step")["value"].to_pylist()
    return [values[n] for n in sorted({round(p) for p in np.linspace(0, len(values) - 1, POINTS)})] if values else []


def _run(
    task: Task, records: Records, wanted: Callable[[], Sequence[PlannedTrial]], runs: int, resources: Resources
) -> int:
    """Runs what is wanted, asking again as results come in, until nothing is; returns the training runs that it took.

    Args:
        task, records: what is trained, and where its results go.
        wanted: trials that are not recorded, as far as is known now.
        runs: at most so many.
        resources: what may be used.
    """
    from pipeline.engine import execute

    spent = 0

    def plan_next(running: Collection[str]) -> Plan | None:
        fresh, left = [], runs - spent - len(running)
        for planned in wanted():
            if planned.trial not in running and left >= len(planned.seeds):
                fresh.append(planned)
                left -= len(planned.seeds)
        return FixedPlan(fresh) if fresh or running else None

    def record(finished: FinishedTrial) -> None:
        nonlocal spent
        records.append(finished)
        spent += len(finished.results)

    # Ray takes seconds to start: not where nothing is missing.
    if plan_next(()) is not None:
        execute(task, plan_next, record, _no_search, resources)
    return spent


def _no_search(first: Sequence[Config]) -> optuna.Study:
    raise AssertionError("backtracking plans no search")
