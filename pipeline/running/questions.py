"""A study whose question changes: which of its runs still tell something, and what is no longer asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backtrack.errors import StudyError
from backtrack.records.directory import Records
from backtrack.task import Task
from backtrack.vocabulary.as_json import describe_factor
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Categorical, Composite, Factor, Numeric


def asked_anew(task: Task, records: Records, was: Mapping[str, Any] | None = None) -> tuple[Task, list[str]]:
    """The task with its present factors as the study's question, and what that means for the runs so far, in words.

    The manifest then has the new factors; runs that no longer belong to the question are left out whenever the study is
    read, and stay in its files. Where nothing has changed, nothing is done.

    Args:
        task: with the factors to ask about from now on.
        records: the study.
        was: `{new factor: the level that the runs so far had}`, where the factor does not say so itself (`was=`).

    Raises:
        StudyError: where a new factor's earlier level is not known, or nothing is left that both ask about.
    """
    before = {factor.name: factor for factor in records.space}
    now = {factor.name: factor for factor in task.space}
    if [describe_factor(factor) for factor in task.space] == [describe_factor(factor) for factor in records.space]:
        return task, []
    if not set(before) & set(now):
        raise StudyError(
            f"task {task.name!r} has none of the factors of {records.location} ({', '.join(before)}): start a new study"
        )
    levels = {name: _earlier(now[name], was or {}, records) for name in now if name not in before}
    held = {name: task.fixed[name] for name in before if name not in now and name in task.fixed}
    said = [_changed(before[name], now[name]) for name in now if name in before]
    said += [f"{name} is new: the runs so far count at {label(level)}" for name, level in levels.items()]
    said += [f"{name} is held at {label(level)}: runs at its other levels are left out" for name, level in held.items()]
    said += [
        f"{name} is no longer asked about: the runs so far varied it, which is noise now"
        for name in before
        if name not in now and name not in held
    ]
    rows = records.trials().num_rows
    known = records.manifest.get("question", {})
    question = {"was": {**known.get("was", {}), **levels}, "held": {**known.get("held", {}), **held}}
    # The stages that were planned asked the old question: what they have run stays, and no more of it is run.
    records.note(factors=[describe_factor(factor) for factor in task.space], question=question, closed=True)
    records.space = replace(records.space, factors=tuple(task.space))
    left = records.trials().num_rows
    said.append(f"{left} of {rows} runs still belong to the question")
    return task, [one for one in said if one]


def _earlier(factor: Factor, was: Mapping[str, Any], records: Records) -> Any:
    """The level that a new factor had before it existed."""
    level = was.get(factor.name, factor.was)
    if level is None:
        raise StudyError(
            f"factor {factor.name!r} is new in the study {records.location}; say which level its runs so far had: "
            f"was=… of the factor, or --was {factor.name}=LEVEL"
        )
    if isinstance(factor, Numeric):
        number = float(level)
        if not factor.contains(number):
            raise StudyError(
                f"factor {factor.name!r}: {label(level)}, as its earlier runs had it, lies outside its range"
            )
        return factor.own(number)
    known = {label(own): own for own in factor.levels}
    if label(level) not in known:
        raise StudyError(
            f"factor {factor.name!r}: {label(level)}, as its earlier runs had it, is none of its levels "
            f"({', '.join(known)}); give it that level too"
        )
    return known[label(level)]


def _changed(before: Factor, now: Factor) -> str:
    """What became of a factor; empty where nothing did."""
    if isinstance(before, Numeric) and isinstance(now, Numeric):
        if (before.low, before.high) == (now.low, now.high):
            return ""
        inside = now.low <= before.low and before.high <= now.high
        what = "wider" if inside else "narrower" if before.low <= now.low and now.high <= before.high else "another"
        left_out = "" if inside else "; runs outside of it are left out"
        return f"{now.name} has a {what} range, {now.low:g} to {now.high:g}{left_out}"
    if isinstance(before, Categorical) and isinstance(now, Categorical):
        old, new = ({label(level) for level in factor.levels} for factor in (before, now))
        said = []
        if new - old:
            said.append(f"{now.name} has new levels: {', '.join(sorted(new - old))}")
        if old - new:
            said.append(f"{now.name} is no longer {' or '.join(sorted(old - new))}; such runs are left out")
        return "; ".join(said)
    if isinstance(before, Composite) and isinstance(now, Composite):
        return "" if dict(before.levels) == dict(now.levels) else f"{now.name} has other levels"
    return f"{now.name} is of another kind now"
