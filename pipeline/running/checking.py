"""A whole checkup, from a training as it is to its answer: the Python twin of `backtrack checkup`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backtrack.errors import Interrupted, StudyError, TaskError
from backtrack.evidence.checkup.afterwards import answer_of
from backtrack.evidence.checkup.case import Case
from backtrack.evidence.checkup.read import case_from
from backtrack.evidence.checkup.verdict import Checkup
from backtrack.records.directory import Records
from backtrack.records.lock import driving
from backtrack.records.making import make_study
from backtrack.running.beside import Logged
from backtrack.running.engine import Work
from backtrack.running.explaining import no_search
from backtrack.running.interventions import looked_at
from backtrack.running.resources import Resources
from backtrack.running.sweeping import default_directory, engine_for, task_of
from backtrack.stages.checkup import CheckupPlan, next_runs
from backtrack.task import Task
from backtrack.task.intervention import AS_WRITTEN, anatomy_from
from backtrack.vocabulary.factors import Categorical
from backtrack.vocabulary.plan import CHECKED, FinishedTrial, FixedPlan, Plan, PlannedTrial

DEFAULT_RUNS, LEAST_RUNS = 60, 12


def _silent(line: str) -> None:
    """For who does not want to hear of it."""


@dataclass(frozen=True)
class CheckupStudy:
    """A checkup with its answer.

    Example:
        >>> checkup(load_task("mine", "mine.py")).answer.learns  # doctest: +SKIP

    Attributes:
        records: the study.
        case: its runs.
        answer: what they say.
    """

    records: Records
    case: Case
    answer: Checkup


def checkup(
    task: Task,
    runs: int = DEFAULT_RUNS,
    directory: str | Path | None = None,
    seed: int = 0,
    *,
    chance: float | None = None,
    alpha: float = 0.05,
    interventions: Sequence[str | Path] = (),
    improve: bool = False,
    resources: Resources | None = None,
    track: bool = True,
    here: bool = False,
    told: Callable[[str], None] = _silent,
) -> CheckupStudy:
    """Finds out why a training does not learn: watches it, changes it from outside, verifies what mends it.

    Args:
        task: the training as it is; factors of its own stay at their first levels.
        runs: training runs at most.
        directory: of the study; default: a new one under `studies/`. One that is there already is gone on with.
        seed: of the study.
        chance: the metric of a training that has learnt nothing; default: the task's own, else measured by shuffled
            labels where that can be done.
        alpha: error rate of what is called verified.
        interventions: Python files with further interventions.
        improve: of a training that learns, also verify what it could still gain.
        resources: what may be used.
        track: whether MLflow gets every training.
        here: whether to run in this process, without Ray.
        told: told what happens, a line at a time.

    Raises:
        TaskError: where the training cannot be run, or trains without torch.
        Interrupted: on Ctrl-C; what had finished is recorded, and the same command goes on.

    Example:
        >>> found = checkup(load_task("mine", "mine.py"), runs=60, directory="studies/why")  # doctest: +SKIP
        >>> found.answer.causes[0].repairs  # doctest: +SKIP
    """
    if runs < LEAST_RUNS:
        raise TaskError(f"{runs} runs are too few for a checkup; give at least {LEAST_RUNS}; 60 give useful answers")
    task.validate()
    for file in interventions:
        if not Path(file).is_file():
            raise TaskError(f"{file} does not exist; expected a Python file with an Intervention")
    place = str(directory) if directory is not None else default_directory(f"checkup-{task.name}")
    with driving(Records(place)):
        if Records(place).has("manifest.json"):
            records = Records.open(place)
            if not records.is_checkup:
                raise StudyError(f"{place} is a study of another kind; choose another directory for the checkup")
            changed = task_of(records)
        else:
            changed, described, guessed = _look(task, told, [str(Path(file).resolve()) for file in interventions])
            records = make_study(
                changed,
                place,
                runs,
                {CHECKED: runs},
                seed,
                alpha,
                track=track,
                checkup={
                    "interventions": described,
                    "chance": chance if chance is not None else task.chance,
                    "guessed": guessed,
                },
            )
        return _carry_on(changed, records, runs, improve, resources or Resources(), here, told, track)


def _look(task: Task, told: Callable[[str], None], files: Sequence[str]) -> tuple[Task, list[dict[str, Any]], float]:
    """A training with the repairs that apply to it as factors, these interventions, and what a guess reaches."""
    anatomy, described, own = looked_at(task, told, files)
    described = [one for one in described if one["levels"]]
    factors = [Categorical(one["name"], [AS_WRITTEN, *one["levels"]], description=one["what"]) for one in described]
    # (What changes an option of the program or its source is always tried.)
    suspected = [one["name"] for one in described if one.get("on_suspicion")]
    told(f"interventions: {', '.join(factor.name for factor in factors if factor.name not in suspected)}")
    if suspected:
        told(f"where something points at them: {', '.join(suspected)}")
    return task.with_changes(factors, anatomy).with_fixed(own), described, anatomy_from(anatomy).guessed


def go_on(
    directory: str | Path,
    *,
    resources: Resources | None = None,
    track: bool | None = None,
    here: bool = False,
    told: Callable[[str], None] = _silent,
) -> CheckupStudy:
    """Goes on with an interrupted checkup from its records: what `backtrack resume` does with one.

    Args:
        directory: of the checkup.
        resources, here, told: as for `checkup`.
        track: whether MLflow gets every training; default: as when the checkup began.

    Raises:
        StudyError: where there is none.
        Interrupted: as for `checkup`.

    Example:
        >>> go_on("studies/why").answer.learns  # doctest: +SKIP
        'no'
    """
    with driving(Records.open(directory)):
        records = Records.open(directory)
        runs, tracked = int(records.manifest["runs"]), records.is_tracked(track)
        return _carry_on(task_of(records), records, runs, False, resources or Resources(), here, told, tracked)


def _carry_on(
    task: Task,
    records: Records,
    runs: int,
    improve: bool,
    resources: Resources,
    here: bool,
    told: Callable[[str], None],
    track: bool,
) -> CheckupStudy:
    manifest = records.manifest
    logged = Logged(records, track, told)
    plan = CheckupPlan(records.space, runs, int(manifest["seed"]))
    engine = engine_for(here)
    shown: set[str] = set()

    def plan_next(running: Collection[PlannedTrial]) -> Plan | None:
        if running:
            # A step reads all of the runs before it.
            return FixedPlan([])
        wanted = next_runs(plan, case_of(records, improve))
        step = ", ".join(sorted({one.part for one in wanted}))
        if wanted and step not in shown:
            shown.add(step)
            told(STEPS.get(step, step))
        return FixedPlan(wanted) if wanted else None

    def record(finished: FinishedTrial) -> None:
        records.append(finished)
        logged.begin()
        told(_line(finished, manifest["task"]["metric"]))

    # Ray takes seconds to start: not where nothing is missing.
    try:
        if next_runs(plan, case_of(records, improve)) and not engine(
            Work(task, plan_next, record, no_search, resources)
        ):
            raise Interrupted(
                f"interrupted; the runs so far are recorded in {records.location}: the same command goes on"
            )
        return report_checkup(records, improve)
    finally:
        logged.end()


def report_checkup(records: Records, improve: bool = False) -> CheckupStudy:
    """Says what a checkup's runs show, and writes its report and `checkup.json`.

    Args:
        records: the checkup.
        improve: whether gains of a sound training are told as well.

    Example:
        >>> report_checkup(Records.open("studies/why")).answer.causes[0].name  # doctest: +SKIP
        'inputs'
    """
    # With the page's templates, which only a report needs.
    from backtrack.views.checkup import EDIT, summary_of
    from backtrack.views.report.checkup_page import checkup_page

    known, manifest = case_of(records, improve), records.manifest
    answer = replace(answer_of(known), limits=anatomy_from(manifest["task"]["changes"]["anatomy"]).limits)
    records.write("report/checkup.json", json.dumps(answer.as_json(), indent=2).encode())
    records.write("report/summary.md", summary_of(answer, manifest["task"]["metric"], records.location).encode())
    if answer.edit:
        records.write(EDIT, f"{answer.edit}\n".encode())
    elif records.has(EDIT):
        # Of fewer runs, which said something else.
        records.remove(EDIT)
    records.write("report/report.html", checkup_page(known, answer, manifest).encode())
    return CheckupStudy(records, known, answer)


def case_of(records: Records, improve: bool = False) -> Case:
    """A checkup's runs, and what is known beside them; `improve`: whether a sound training's gains are asked for."""
    manifest = records.manifest
    return case_from(
        records.trials(),
        records.curves(),
        manifest["checkup"]["interventions"],
        metric=manifest["task"]["metric"],
        mode=manifest["task"]["mode"],
        chance=manifest["checkup"]["chance"],
        alpha=float(manifest["alpha"]),
        improve=improve,
        # (Not there in a study of an earlier version.)
        guessed=float(manifest["checkup"].get("guessed", 0.0)),
    )


STEPS = {
    "written": "as written, under several seeds, and controls that cannot learn",
    "tried": "one change at a time",
    "proof": "what mends it, verified with fresh seeds",
    "more-proof": "what may be luck, under more fresh seeds",
    "then-tried": "with that mended, one change at a time",
    "then-proof": "what helps then, verified with fresh seeds",
}


def _line(finished: FinishedTrial, metric: str) -> str:
    (result,) = finished.results
    changed: Sequence[str] = [
        f"{name}={level}" for name, level in finished.planned.config.items() if level != AS_WRITTEN
    ]
    reached = f"{metric} {result.value:.4g}" if result.value is not None else result.outcome
    return f"  {', '.join(changed) or 'as written'}, seed {result.seed}: {reached}"
