"""More runs for a study that is complete: the Python twin of `backtrack extend`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backtrack.errors import PlanError, StudyError
from backtrack.records.directory import Records
from backtrack.records.lock import driving
from backtrack.records.manifest import digest_of
from backtrack.running.further import DECIDED, Asked, Once, Until, Within, closed, open_budget
from backtrack.running.questions import asked_anew
from backtrack.running.reachable import check_reachable
from backtrack.running.resources import Resources, workers_of
from backtrack.running.sweeping import as_recorded, engine_for, run_study, task_of, told_of_file
from backtrack.task import Task
from backtrack.views.study import Study
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.progress import Progress


def extend(
    directory: str | Path,
    runs: int | None = None,
    *,
    hours: float | None = None,
    until: str | None = None,
    ask: Sequence[str] = (),
    task: Task | None = None,
    same_training: bool = False,
    as_block: bool = False,
    was: Mapping[str, Any] | None = None,
    resources: Resources | None = None,
    track: bool | None = None,
    keep_going: bool = False,
    here: bool = False,
    debugger: bool = False,
    progress: Progress | None = None,
) -> Study:
    """Gives a complete study more runs where they decide most, and analyses it again.

    Causes that no flips have verified get flips; the rest is fresh balanced runs, which leave regions where nearly all
    trainings fail unless the failures are asked about. The error rate of the verdicts holds over all looks
    (`look_of`).

    Args:
        directory: the study.
        runs: training runs; with `until` at most so many.
        hours: wall time instead; the runs that fit follow from the measured times.
        until: "decided": look again and again, and stop when every question is decided, or cannot be within `runs`.
        ask: the factors that are asked about; default: all that are no nuisances.
        task: the task, where it was given as an object; default: loaded as the manifest says.
        same_training: its code has changed since, but trains the same.
        as_block: its code has changed since; new runs are a block of their own, whose shift the analysis takes out.
        was: where the task's factors changed: `{new factor: the level that the runs so far had}`.
        resources, track, keep_going, here, debugger, progress: as for `resume`.

    Raises:
        PlanError: where it is not said how much, or a factor is not there.
        StudyError: where there is no study, it has not come to its end, or its code has changed.

    Example:
        >>> extend("studies/mine-1", runs=60).factors  # doctest: +SKIP
    """
    if sum(one is not None for one in (runs, hours)) != 1 or until not in (None, DECIDED):
        raise PlanError(
            "extend: expected either runs or hours, and until='decided' or nothing, such as --runs 60, --hours 2, "
            "--until decided --runs 200"
        )
    if (runs is not None and runs < 1) or (hours is not None and not hours > 0):
        raise PlanError(f"extend: {runs if runs is not None else hours} is no amount; expected a positive number")
    with driving(Records.open(directory)):
        records = Records.open(directory).as_sweep()
        found = task or task_of(records)
        told_of_file(found, records, progress or Progress())
        block = _changed_code(found, records, same_training, as_block)
        if _other_question(found, records):
            found, said = asked_anew(found, records, was)
            for sentence in said:
                (progress or Progress()).stage(sentence)
            records.note(task={**records.manifest["task"], "sha256": digest_of(found), "fixed": dict(found.fixed)})
        elif digest_of(found) and digest_of(found) != records.manifest["task"]["sha256"]:
            records.note(task={**records.manifest["task"], "sha256": digest_of(found)})
        task = as_recorded(found, records)
        task.validate()
        unknown = [name for name in ask if name not in {factor.name for factor in records.space}]
        if unknown:
            raise PlanError(f"the study {directory} has no factor {unknown[0]!r}; it has {', '.join(_names(records))}")
        if not here:
            check_reachable(resources)
        asked = Asked(tuple(ask), block)
        # This extension takes the place of what an earlier one may have left open.
        closed(records)
        further: Until | Within | Once
        if hours is not None:
            further = Within(asked, time.monotonic() + hours * 3600, workers_of(resources, here))
        elif until == DECIDED:
            further = open_budget(records, asked, int(runs or 0))
        else:
            further = Once(asked, int(runs or 0))
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


def _other_question(task: Task, records: Records) -> bool:
    """Whether the task's file says other factors than the study has; a task's levels may differ by machine alone."""
    if task.source is not None and task.source.file is None:
        return False
    same_code = bool(digest_of(task)) and digest_of(task) == records.manifest["task"]["sha256"]
    if same_code and {one.name for one in task.space} == {one["name"] for one in records.manifest["factors"]}:
        return False
    return [describe_factor(one) for one in task.space] != records.manifest["factors"]


def _names(records: Records) -> list[str]:
    return [factor.name for factor in records.space]


def _changed_code(task: Task, records: Records, same_training: bool, as_block: bool) -> bool:
    """Whether the new runs are a block of their own, since the training's code has changed.

    Raises:
        StudyError: where it has changed, and nobody says what that means.
    """
    before, now = records.manifest["task"]["sha256"], digest_of(task)
    if not before or not now or before == now or same_training:
        return False
    if as_block:
        return True
    raise StudyError(
        f"the code of task {task.name!r} has changed since the study {records.location} was begun; say --same-training "
        "if it trains the same, or --as-block to keep old and new runs apart"
    )
