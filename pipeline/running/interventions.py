"""Interventions as factors of a sweep: the posts' tricks on somebody's own net, or what a checkup found to matter."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backtrack.errors import StudyError, TaskError
from backtrack.records.directory import Records
from backtrack.task import ScriptTask, Task
from backtrack.task.intervention import AS_WRITTEN, anatomy_from
from backtrack.task.length import described_length
from backtrack.task.stopping import described_stopping
from backtrack.trial.trial import run_replicate
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.crashes import message_in
from backtrack.vocabulary.factors import Categorical, Claim, reference
from backtrack.vocabulary.result import RunResult
from backtrack.watch.recorder import Recorder

# How an error of ours begins where it ended a run.
OURS = "backtrack.errors.TaskError: "


def looked_at(
    task: Task, told: Callable[[str], None], files: Sequence[str] = ()
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Runs a training once as it is.

    Args:
        task: the training.
        told: told what happens.
        files: with further interventions.

    Returns:
        Its anatomy, the interventions that apply to it, and the levels at which it ran.

    Raises:
        TaskError: where nothing of it can be changed from outside.
    """
    told(f"looking at one run of {task.name} as written")
    own = {factor.name: reference(factor) for factor in task.space}
    recorder = Recorder()
    result = run_replicate(task, Config(own), 0, looked=files, recorder=recorder)
    found, last = recorder.anatomy, message_in(result.error)
    if last.startswith(OURS):
        # The program does not say its metric: that is known now, and would be of every run.
        raise TaskError(last.removeprefix(OURS))
    if result.outcome == "crashed" and run_replicate(task, Config(own), 0, watched=False).outcome == "ok":
        raise TaskError(
            f"task {task.name!r} runs alone, and crashes where it is listened to: {last}. That is no fault of yours; "
            "please report it, and vary its own options meanwhile: backtrack sweep … --factor"
        )
    if not found or not found["interventions"]:
        raise TaskError(_nothing_to_change(task, result))
    anatomy = anatomy_from(found["anatomy"])
    if anatomy.processes > 1:
        raise TaskError(
            f"task {task.name!r} trains in {anatomy.processes} processes at once (torch.distributed), which would have "
            "to change together; let it train in one, as with torchrun --nproc-per-node 1"
        )
    if anatomy.captured:
        raise TaskError(
            f"task {task.name!r} takes its steps in CUDA graphs or in compiled functions, which no change from outside "
            "reaches; let it train without (TORCH_COMPILE_DISABLE=1 turns torch.compile off), and look again"
        )
    for limit in anatomy.limits:
        told(f"{limit}.")
    of_source = [described_length(task), described_stopping(task)] if isinstance(task, ScriptTask) else []
    return found["anatomy"], [*found["interventions"], *(dict(one) for one in of_source if one)], own


def with_tricks(task: Task, told: Callable[[str], None]) -> Task:
    """A task with the posts' tricks as further factors, applied from outside; their claims come along.

    Raises:
        TaskError: where none applies.
    """
    anatomy, described, _ = looked_at(task, told)
    factors = [_factor(one, one["tricks"]) for one in described if one["tricks"]]
    if not factors:
        raise TaskError(
            f"task {task.name!r}: none of the posts' tricks applies to it; `backtrack checkup` tries repairs"
        )
    told(f"{len(factors)} tricks apply: {', '.join(factor.name for factor in factors)}")
    return task.with_changes(factors, anatomy)


def with_named(task: Task, wanted: Sequence[str], told: Callable[[str], None]) -> Task:
    """A task with these interventions as further factors, applied from outside.

    Args:
        task: the training.
        wanted: names of interventions, with all of their levels; or `name=level,level`.
        told: told what happens.

    Raises:
        TaskError: for an intervention or a level that does not apply.
    """
    anatomy, described, _ = looked_at(task, told)
    known = {one["name"]: one for one in described}
    factors = []
    for text in wanted:
        name, _, levels = text.partition("=")
        if name not in known:
            raise TaskError(
                f"--intervene {text}: {name!r} does not apply to {task.name!r}; what does: {', '.join(known)}"
            )
        applying = {**known[name]["levels"], **known[name]["tricks"]}
        chosen = [level.strip() for level in levels.split(",") if level.strip()] or list(applying)
        unknown = [level for level in chosen if level not in applying]
        if unknown:
            has = ", ".join(applying)
            raise TaskError(f"--intervene {text}: {name} has no level {unknown[0]!r} here; it has {has}")
        factors.append(_factor(known[name], chosen))
    return task.with_changes(factors, anatomy)


def _factor(described: Mapping[str, Any], levels: Collection[str]) -> Categorical:
    """An intervention as a factor of some of its levels, with the claims that these allow."""
    return Categorical(
        described["name"],
        [AS_WRITTEN, *levels],
        description=described["what"],
        claims=tuple(Claim(**claim) for claim in described["claims"] if _can_be_asked(claim, levels)),
    )


def _can_be_asked(claim: Mapping[str, Any], levels: Collection[str]) -> bool:
    """Whether both levels that a claim compares apply to this training."""
    return {claim["level"], claim["against"]} <= {AS_WRITTEN, *levels}


def with_those_of(task: Task, study: str | Path, told: Callable[[str], None]) -> Task:
    """A task with the interventions that a checkup verified, or saw help, as further factors.

    What the checkup measured of it comes along: its anatomy, and of a program whose chance nobody gave what runs with
    shuffled labels reached. Its runs do not: they chose the factors, and would count for them twice.

    Args:
        task: the training.
        study: of the checkup.
        told: told what happens.

    Raises:
        StudyError: where the study is no checkup, or nothing helped in it.
    """
    records = Records.open(study)
    if "checkup" not in records.manifest or not records.has("report/checkup.json"):
        raise StudyError(f"{study} is no checkup that came to its end; give the directory of `backtrack checkup`")
    found = json.loads(records.read("report/checkup.json"))
    # (No `then` in a study of an earlier version, nor where nothing more was asked.)
    then = found.get("then") or {"causes": [], "gains": []}
    causes = [*found["causes"], *then["causes"]]
    repairs = [repair for cause in causes for repair in [*cause["repairs"], *cause["hides"]]]
    levels: dict[str, list[str]] = {}
    for repair in [*repairs, *then["gains"], *found["helped"]]:
        for change in repair["changes"]:
            name, _, level = change.partition("=")
            if level not in levels.setdefault(name, [AS_WRITTEN]):
                levels[name].append(level)
    if not levels:
        raise StudyError(f"nothing helped in the checkup {study}: there is nothing to vary further")
    if isinstance(task, ScriptTask) and task.chance is None and found["chance"] is not None:
        told(f"chance, as {study} measured it: {task.metric} {found['chance']:.4g}")
        task = replace(task, chance=float(found["chance"]))
    anatomy: Mapping[str, Any] = records.manifest["task"]["changes"]["anatomy"]
    return task.with_changes([Categorical(name, known) for name, known in levels.items()], anatomy)


def _nothing_to_change(task: Task, result: RunResult) -> str:
    last = message_in(result.error) or "it trained nothing with torch"
    return (
        f"task {task.name!r}: nothing of it could be changed from outside: {last}. This needs a Python training "
        "with torch that runs; for others vary its own options: backtrack sweep … --factor"
    )
