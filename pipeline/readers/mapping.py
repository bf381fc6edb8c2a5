"""What the columns of past runs are: factors, the metric, other numbers, and what is left out, with the reason."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backtrack.errors import DataError
from backtrack.readers.names import (
    BEGAN,
    ERROR,
    MEASURED,
    NAMES,
    SECONDS,
    SEED,
    SET,
    STATE,
    moment_of,
    number_from,
    one_of,
    seconds_of,
)
from backtrack.readers.past_runs import ENDED, FAILED, RUNNING, PastRun, PastRuns, Scale, state_of
from backtrack.readers.scales import factor_name, factor_of, level_from, names_runs
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Categorical, Numeric

# A setting that more than this share of the runs lacks, for no reason that another setting gives, is no factor; where
# fewer lack it, these runs are left out.
MOST_LACKING = 0.1


@dataclass(frozen=True)
class Mapped:
    """Past runs with the meaning of each column.

    Args:
        runs: with settings under the factors' names, as levels; absent where a factor does not exist.
        factors: that can be asked about.
        columns: `{factor: the source's column}`.
        metric: the column that is judged.
        numbers: other measured numbers.
        seed: the column of seeds, or empty.
        left_out: `{column: why}`.
        dropped: `{why: how many runs}`.
    """

    runs: Sequence[PastRun]
    factors: tuple[Categorical | Numeric, ...]
    columns: Mapping[str, str]
    metric: str
    numbers: tuple[str, ...]
    seed: str
    left_out: Mapping[str, str]
    dropped: Mapping[str, int]


def mapped(
    past: PastRuns, metric: str | None, factors: Sequence[str] = (), where: Mapping[str, str] | None = None
) -> Mapped:
    """What each column is.

    Args:
        past: of a reader.
        metric: the column to judge by; None where the source tells it.
        factors: the columns that are factors; empty to find them.
        where: `{column: value}` that a run has to have.

    Raises:
        DataError: where a named column is not there, or no run or no factor is left.
    """
    past = _only(past, where or {})
    if not past.told_apart:
        past = _parted(past, metric, factors)
    if metric is not None and past.metric and not any(metric in run.numbers for run in past.runs):
        past = _renamed(past, metric)
    measured = list(dict.fromkeys(name for run in past.runs for name in run.numbers))
    settings = list(dict.fromkeys(name for run in past.runs for name in run.settings))
    judged = _metric(past, metric, measured)
    past = replace(past, runs=[_with_outcome(run, judged) for run in past.runs])
    missing = [name for name in factors if name not in settings]
    if missing:
        raise DataError(f"{past.source} has no setting {missing[0]!r}{_near(missing[0], settings)}")
    asked = list(factors) or settings
    left_out = {name: "not asked for" for name in settings if name not in asked}
    seed = next((name for name in settings if SEED.match(name.lower()) and name not in factors), "")
    if seed:
        left_out[seed] = "the seed"
        asked = [name for name in asked if name != seed]
    ended = [run for run in past.runs if run.state != RUNNING]
    kept, when, dropped = _told(ended, asked, left_out, past.scales, named=bool(factors))
    found, columns = _factors(kept, when, past.scales)
    if not found:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:8])
        raise DataError(f"{past.source}: no setting can be a factor ({why}); name them by --factors a,b,c")
    lacking = {column for column in columns.values() if column not in when}
    runs = [
        _as_levels(run, columns, seed)
        for run in past.runs
        if run.state == RUNNING
        or lacking <= {name for name in run.settings if level_from(run.settings[name]) is not None}
    ]
    return Mapped(
        runs=runs,
        factors=tuple(found),
        columns=columns,
        metric=judged,
        numbers=tuple(name for name in measured if name != judged),
        seed=seed,
        left_out=left_out,
        dropped=dropped,
    )


def _only(past: PastRuns, where: Mapping[str, str]) -> PastRuns:
    for name, value in where.items():
        columns = sorted({column for run in past.runs for column in (*run.settings, *run.numbers)})
        if name not in columns:
            raise DataError(f"{past.source} has no column {name!r}{_near(name, columns)}")
        wanted = level_from(value)
        runs = [run for run in past.runs if level_from({**run.numbers, **run.settings}.get(name)) == wanted]
        if not runs:
            raise DataError(f"{past.source}: no run has {name}={value}")
        past = replace(past, runs=[replace(run, settings=_without(run.settings, name)) for run in runs])
    return past


def _without(values: Mapping[str, object], name: str) -> dict[str, object]:
    return {other: value for other, value in values.items() if other != name}


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(sorted(known)[:20])}"


def _renamed(past: PastRuns, metric: str) -> PastRuns:
    """Runs whose source has no name for what it judges by (Optuna's `value`), with the name that was given for it."""
    own = past.metric

    def named(values: Mapping[str, Any]) -> dict[str, Any]:
        return {metric if name == own else name: value for name, value in values.items()}

    runs = [replace(run, numbers=named(run.numbers), curves=named(run.curves)) for run in past.runs]
    return replace(past, runs=runs, metric=metric)


def _metric(past: PastRuns, metric: str | None, measured: Sequence[str]) -> str:
    if metric is None and past.metric in measured:
        return past.metric
    if metric is None and len(measured) == 1:
        return measured[0]
    if metric in measured:
        return str(metric)
    if metric is None:
        raise DataError(f"{past.source}: say by --metric which number to judge by; it has {', '.join(measured[:20])}")
    raise DataError(f"{past.source} has no number {metric!r}{_near(metric, measured)}")


def _parted(past: PastRuns, metric: str | None, factors: Sequence[str]) -> PastRuns:
    """A plain table's rows with their columns told apart, by their names and their values."""
    columns = list(dict.fromkeys(name for run in past.runs for name in run.settings))
    if metric is None or metric not in columns:
        given = (
            f"no column {metric!r}{_near(metric, columns)}" if metric else "columns of any meaning: say --metric NAME"
        )
        raise DataError(f"{past.source} has {given}")
    state, error = one_of(STATE, columns), one_of(ERROR, columns)
    began, took = one_of(BEGAN, columns), one_of(SECONDS, columns)
    aside = {name for name in (state, error, began, took) if name is not None and name not in (*factors, metric)}
    numbers = [name for name in columns if name == metric or _is_measured(past, name, factors, aside)]
    runs = []
    for place, run in enumerate(past.runs):
        row = run.settings
        moment = moment_of(row.get(began)) if began is not None else None
        runs.append(
            PastRun(
                name=run.name,
                settings={name: value for name, value in row.items() if name not in numbers and name not in aside},
                numbers={name: value for name in numbers if (value := number_from(row.get(name))) is not None},
                state=state_of(row[state]) if state in aside and state in row else ENDED,
                order=float(place) if moment is None else moment,
                seconds=seconds_of(row.get(took)) if took in aside else None,
                error=str(row.get(error) or "") if error in aside else "",
            )
        )
    return replace(past, runs=runs, told_apart=True)


def _is_measured(past: PastRuns, name: str, factors: Sequence[str], aside: set[str]) -> bool:
    """Whether a column that nobody named is a measured number: it is called like one, and holds numbers."""
    lower = name.lower()
    if name in factors or name in aside or SEED.match(lower) or SET.search(lower) or not MEASURED.search(lower):
        return False
    values = [value for run in past.runs if (value := run.settings.get(name)) is not None]
    return bool(values) and all(number_from(value) is not None for value in values)


def _with_outcome(run: PastRun, metric: str) -> PastRun:
    """A run that ended without its metric has failed."""
    value = run.numbers.get(metric)
    if run.state == ENDED and value is None:
        return replace(run, state=FAILED, error=run.error or f"it reported no {metric}")
    if run.state == ENDED and not math.isfinite(value if value is not None else 0.0):
        return replace(run, state="diverged")
    return run


def _told(
    runs: Sequence[PastRun],
    asked: Sequence[str],
    left_out: dict[str, str],
    scales: Mapping[str, Scale],
    named: bool,
) -> tuple[list[tuple[str, list[Level | None]]], dict[str, dict[str, list[Level]]], dict[str, int]]:
    """The settings that can be factors with their values, the conditions under which some exist, and runs left out."""
    values = {name: [level_from(run.settings.get(name)) for run in runs] for name in asked}
    kept: dict[str, list[Level | None]] = {}
    for name in asked:
        known = [level for level in values[name] if level is not None]
        if not named and NAMES.match(name.lower()) and name not in scales:
            left_out[name] = "names runs"
        elif len({label(level) for level in known}) < 2:
            left_out[name] = "always the same" if known else "never set"
        elif not named and names_runs(known):
            left_out[name] = f"{len(set(map(label, known)))} texts in {len(known)} runs name runs"
        else:
            kept[name] = values[name]
    when: dict[str, dict[str, list[Level]]] = {}
    dropped: dict[str, int] = {}
    for name, levels in list(kept.items()):
        lacking = sum(level is None for level in levels)
        if not lacking:
            continue
        condition = _condition(name, kept)
        if condition is not None:
            when[name] = condition
        elif lacking > MOST_LACKING * len(levels):
            left_out[name] = f"{lacking} of {len(levels)} runs lack it, and no other setting tells why"
            del kept[name]
        else:
            dropped[f"lack {name}"] = lacking
    return list(kept.items()), when, dropped


def _condition(name: str, values: Mapping[str, Sequence[Level | None]]) -> dict[str, list[Level]] | None:
    """The setting, and its levels, under which `name` is set; None where no setting decides that."""
    is_set = [level is not None for level in values[name]]
    for other, levels in values.items():
        if other == name or any(level is None for level in levels):
            continue
        kinds = {label(level): level for level in levels if level is not None}
        if len(kinds) > 8:
            continue
        with_it = {label(level) for level, there in zip(levels, is_set, strict=True) if there and level is not None}
        without = {label(level) for level, there in zip(levels, is_set, strict=True) if not there and level is not None}
        if not with_it & without:
            return {other: [kinds[text] for text in kinds if text in with_it]}
    return None


def _factors(
    kept: Sequence[tuple[str, Sequence[Level | None]]],
    when: Mapping[str, Mapping[str, Sequence[Level]]],
    scales: Mapping[str, Scale],
) -> tuple[list[Categorical | Numeric], dict[str, str]]:
    """Factors in an order in which each comes after those that it depends on, and the column of each."""
    names: dict[str, str] = {}
    for column, _ in kept:
        names[column] = factor_name(column, set(names.values()))
    made: dict[str, Categorical | Numeric] = {}
    for column, levels in sorted(kept, key=lambda one: one[0] in when):
        parent = when.get(column, {})
        condition: dict[str, list[Any]] | None = None
        for other, own in parent.items():
            factor = made[other]
            spelled = [level for level in own if not isinstance(factor, Categorical) or factor.contains(level)]
            condition = {names[other]: spelled or [label(level) for level in own]}
        known = [level for level in levels if level is not None]
        made[column] = factor_of(names[column], known, scales.get(column), condition)
    order = [column for column, _ in kept]
    return [made[column] for column in order], {names[column]: column for column in order}


def _as_levels(run: PastRun, columns: Mapping[str, str], seed: str) -> PastRun:
    """A run with its settings as the factors' levels, and its seed under the source's name."""
    levels: dict[str, object] = {factor: level_from(run.settings.get(column)) for factor, column in columns.items()}
    if seed and seed in run.settings:
        levels[seed] = run.settings[seed]
    return replace(run, settings={factor: level for factor, level in levels.items() if level is not None})
