"""Why one trial failed: backtracking on demand, the Python twin of `backtrack why`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config, label
from pipeline.plan import FinishedTrial, FixedPlan, Plan
from pipeline.records import Records
from pipeline.resources import Resources
from pipeline.task import Task

if TYPE_CHECKING:
    import optuna

    from pipeline.analysis.backtracking import Cause
    from pipeline.analysis.laboratory import Run


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
    from pipeline.analysis.laboratory import runs_of
    from pipeline.engine import execute
    from pipeline.stages.backtrack import probes
    from pipeline.sweeping import task_of

    records = Records.open(directory)
    task = task or task_of(records)
    mode = records.manifest["task"]["mode"]
    spent = 0

    def known() -> list[Run]:
        return runs_of(records.space, records.trials(), mode)

    def plan_next(running: Collection[str]) -> Plan | None:
        _, wanted = backtrack_one(records.space, known(), trial)
        fresh = [planned for planned in probes(wanted) if planned.trial not in running]
        fresh = fresh[: max(0, runs - spent - len(running))]
        return FixedPlan(fresh) if fresh or running else None

    def record(finished: FinishedTrial) -> None:
        nonlocal spent
        records.append(finished)
        spent += len(finished.results)

    # Ray takes seconds to start: not where nothing is missing.
    if plan_next(()) is not None:
        execute(task, plan_next, record, _no_search, resources or Resources())
    recorded = known()
    cause, _ = backtrack_one(records.space, recorded, trial)
    config = next(run.config for run in recorded if run.trial == trial)
    return Story(trial, config, cause, spent)


def _no_search(first: Sequence[Config]) -> optuna.Study:
    raise AssertionError("backtracking plans no search")
