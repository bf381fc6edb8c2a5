"""A sweep of shorter trainings, and a check of what it names at full length: `backtrack sweep … --length 0.25`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from backtrack.errors import PlanError
from backtrack.evidence.effects.effects import FactorEffect
from backtrack.running.sweeping import DEFAULT_STAGES, default_directory, sweep
from backtrack.task import Task
from backtrack.task.shortening import shortened
from backtrack.views.study import Study
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Categorical, Claim, Factor, Numeric
from backtrack.vocabulary.responses import GAIN

# Of N, the pairs at full length; and the fewest of them for each factor that is checked.
FULL_SHARE, LEAST_PAIRS = 0.25, 6
# Where the results lie in the study of shorter trainings.
RESULT = "report/length.json"
HOLDS, SHRINKS, REVERSES, OPEN = "holds", "shrinks", "reverses", "undecided"


@dataclass(frozen=True)
class AtFullLength:
    """What a factor that shorter trainings name does at full length.

    Args:
        factor: which.
        level, against: its best and its worst level in shorter trainings.
        short, short_low, short_high: how much better the first was there.
        full, full_low, full_high: how much better it is at full length, within pairs; None where there are none.
        verdict: holds (it is better, and may be as much so), shrinks (surely less than a half of it is left), reverses
            (it is worse), or undecided.
    """

    factor: str
    level: str
    against: str
    short: float
    short_low: float
    short_high: float
    full: float | None
    full_low: float | None
    full_high: float | None
    verdict: str


def sweep_short(
    task: Task,
    length: float,
    runs: int,
    directory: str | None = None,
    seed: int = 0,
    *,
    stages: Sequence[str] = DEFAULT_STAGES,
    **options: Any,
) -> tuple[Study, list[AtFullLength]]:
    """A whole sweep of shorter trainings, then pairs at full length of what it calls active.

    The length is chosen beforehand and is the same for all: nothing is cut by rank, which would censor by factor. The
    pairs differ in one factor alone, at its best and its worst level, and share their seeds.

    Args:
        task: what to train.
        length: share of its whole length.
        runs: all training runs, of either length.
        directory: of the study of shorter trainings; that of the pairs lies beside it, with `-full`.
        seed, stages: as for `sweep`.
        options: further arguments of `sweep`.

    Raises:
        TaskError: where the task cannot be shortened.
        PlanError: where too few runs are left for pairs.
    """
    pairs = round(FULL_SHARE * runs) // 2 * 2
    if pairs < 2 * LEAST_PAIRS:
        raise PlanError(f"{runs} runs leave {pairs} for pairs at full length; expected at least {8 * LEAST_PAIRS} runs")
    place = directory or default_directory(task.name)
    study = sweep(shortened(task, length), runs - pairs, place, seed, stages=stages, **options)  # type: ignore[arg-type]
    assert study.analysis is not None
    named = [
        one
        for one in study.analysis.responses[GAIN].factors
        if one.verdict == "active"
        and not one.partners
        and len(one.levels) > 1
        and one.factor.name in {factor.name for factor in task.space}
    ]
    better = study.analysis.responses[GAIN].response.better
    asked = _asked(task, named[: pairs // (2 * LEAST_PAIRS)], better)
    found: list[AtFullLength] = []
    if asked and study.complete:
        whole = replace(task, factors=_factors(task, asked))  # type: ignore[type-var]
        full = sweep(whole, pairs, f"{place}-full", seed, stages=["claims"], **options)
        claims = {row["factor"]: row for row in full.claims.to_pylist()}
        found = [_judged(effect, levels, claims.get(effect.factor.name), better) for effect, levels in asked]
    study.records.write(RESULT, json.dumps([asdict(one) for one in found], indent=2).encode())
    return study, found


def _asked(task: Task, effects: Sequence[FactorEffect], better: int) -> list[tuple[FactorEffect, tuple[Level, Level]]]:
    """The factors that can be checked with two levels each, and these levels: the best and the worst."""
    asked = []
    names = {effect.factor.name for effect in effects}
    for effect in effects:
        factor = task.space[effect.factor.name]
        if any(parent in names for parent in (factor.when or {})):
            # Its parent has two levels only while it is checked, and perhaps not the one that this factor hangs on.
            continue
        ordered = sorted(effect.levels, key=lambda one: better * one.mean)
        best, worst = (_level(factor, one.level) for one in (ordered[-1], ordered[0]))
        asked.append((effect, (best, worst)))
    return asked


def _level(factor: Factor, text: str) -> Level:
    if isinstance(factor, Numeric):
        return factor.own(float(text))
    return next((own for own in factor.levels if label(own) == text), text)


def _factors(task: Task, asked: Sequence[tuple[FactorEffect, tuple[Level, Level]]]) -> tuple[Factor, ...]:
    """The task's factors, those that are checked with their two levels and the claim that the first is better."""
    levels = {effect.factor.name: two for effect, two in asked}
    found: list[Factor] = []
    for factor in task.factors:
        when = {
            parent: [level for level in own if parent not in levels or level in levels[parent]]
            for parent, own in (factor.when or {}).items()
        }
        if not all(when.values()):
            # It hangs on a level that is not among the two.
            continue
        if factor.name not in levels:
            found.append(replace(factor, claims=(), when=when or None))
            continue
        best, worst = levels[factor.name]
        claim = Claim("better in shorter trainings", "the sweep of shorter trainings", level=best, against=worst)
        found.append(Categorical(factor.name, [best, worst], role=factor.role, when=when or None, claims=[claim]))
    return tuple(found)


def _judged(effect: FactorEffect, levels: tuple[Level, Level], row: dict[str, Any] | None, better: int) -> AtFullLength:
    short, low, high = effect.effect, effect.low, effect.high
    full: tuple[float, float, float] | None = None
    if row is not None and row["effect"] is not None and row["effect"] == row["effect"]:
        ends = sorted((better * row["low"], better * row["high"]))
        full = (better * row["effect"], ends[0], ends[1])
    return AtFullLength(
        factor=effect.factor.name,
        level=label(levels[0]),
        against=label(levels[1]),
        short=short,
        short_low=low,
        short_high=high,
        full=None if full is None else full[0],
        full_low=None if full is None else full[1],
        full_high=None if full is None else full[2],
        verdict=OPEN if full is None else verdict_of(short, full),
    )


def verdict_of(short: float, full: tuple[float, float, float]) -> str:
    """What became of an effect at full length.

    Args:
        short: the effect in shorter trainings, positive.
        full: the effect at full length with its 95 % interval, positive where the same level is better.

    Example:
        >>> verdict_of(0.2, (0.19, 0.12, 0.26)), verdict_of(0.2, (0.03, -0.02, 0.08))
        ('holds', 'shrinks')
    """
    _, low, high = full
    if high < 0:
        return REVERSES
    if high < short / 2:
        return SHRINKS
    return HOLDS if low > 0 else OPEN


def sentences_of(found: Sequence[AtFullLength]) -> list[str]:
    """What became of each factor, in words."""
    if not found:
        return ["At full length nothing was checked: shorter trainings name no factor that can be."]
    return [
        f"At full length, {one.factor}={one.level} against {one.against}: {one.verdict}"
        + (
            "."
            if one.full is None
            else f" ({one.full:.3g}, {one.full_low:.3g} to {one.full_high:.3g}; in shorter trainings {one.short:.3g}, "
            f"{one.short_low:.3g} to {one.short_high:.3g})."
        )
        for one in found
    ]
