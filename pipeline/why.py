"""Why one trial failed: backtracking on demand, the Python twin of `backtrack why`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config, label
from pipeline.plan import FinishedTrial, FixedPlan, Plan, PlannedTrial
from pipeline.records import Records
from pipeline.resources import Resources
from pipeline.rows import config_of
from pipeline.task import Task

if TYPE_CHECKING:
    from pipeline.analysis.backtracking import Cause


@dataclass(frozen=True)
class Story:
    """What `why` found.

    Args:
        trial: id of the failed trial.
        config: its levels.
        cause: as far as it could be shrunk and verified.
        runs: training runs that were made for it now.
    """

    trial: str
    config: Config
    cause: Cause
    runs: int

    @property
    def sentences(self) -> list[str]:
        """The story, a sentence an entry."""
        from pipeline.report.findings import repair_text

        cause = self.cause
        told = [
            f"{self.trial} ended in {cause.outcome}: "
            + ", ".join(f"{name}={label(level)}" for name, level in self.config.items())
            + "."
        ]
        if cause.passing is None or cause.failing is None:
            told.append(
                f"Its failure did not come again with other seeds: chance, as far as {cause.runs} runs can tell."
                if cause.refuted
                else f"{cause.runs} runs were not enough to shrink it; give --runs more."
            )
            return told
        told.append(f"It was compared with {cause.passing.trial}, the nearest config that trained.")
        if cause.parts:
            told.append(f"The smallest part of the difference that breaks it: {' and '.join(map(str, cause.parts))}.")
            told.append(f"Smallest repair: {repair_text(cause)}.")
        for way, what in ((cause.broke, "Put into"), (cause.mended, "Taken out of")):
            if way:
                turned = sum(flip.turned for flip in way)
                names = ", ".join(f"{flip.before} → {flip.after}" for flip in way)
                told.append(f"{what} other configs it turned the outcome in {turned} of {len(way)}: {names}.")
        state = "verified both ways" if cause.verified else "refuted" if cause.refuted else "not verified yet"
        told.append(f"State: {state}; {cause.runs} answers of the laboratory, {self.runs} runs made now.")
        return told


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
    from pipeline.analysis.backtracking import backtrack_one
    from pipeline.engine import execute
    from pipeline.sweeping import search_study_of, task_of

    records = Records.open(directory)
    task = task or task_of(records)
    mode = records.manifest["task"]["mode"]
    cause, wanted = backtrack_one(records.space, records.trials(), mode, trial)
    spent = 0

    def plan_next(running: Collection[str]) -> Plan | None:
        nonlocal cause, wanted
        cause, wanted = backtrack_one(records.space, records.trials(), mode, trial)
        asked = [
            PlannedTrial(f"backtrack-{config.hash[:10]}-{seed}", "backtrack", config, (seed,))
            for config, seed in wanted
        ]
        fresh = [planned for planned in asked if planned.trial not in running][: max(0, runs - spent - len(running))]
        return FixedPlan(fresh) if fresh or running else None

    def record(finished: FinishedTrial) -> None:
        nonlocal spent
        records.append(finished)
        spent += len(finished.results)

    if wanted and runs > 0:
        execute(task, plan_next, record, search_study_of(task, records), resources or Resources())
        cause, _ = backtrack_one(records.space, records.trials(), mode, trial)
    row = next(row for row in records.trials().to_pylist() if row["trial"] == trial)
    return Story(trial, config_of(records.space, row), cause, spent)
