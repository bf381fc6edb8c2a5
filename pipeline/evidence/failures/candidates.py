"""Every condition that can be asked of some runs: levels, sets of levels, and sides of thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from backtrack.evidence.frame import Floats, Frame, Mask
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Composite, Factor, Numeric

# Thresholds of a numeric factor are tried between this many equal shares of its runs, and between each of so many runs
# at either end: a rare failure mostly lies there.
CUTS, END_RUNS = 24, 10
# Thresholds of one factor resemble each other: under chance the best of 72 has the p-value of the best of 6 to 12
# independent ones (20,000 simulations each of 60 and 120 runs with 10 to 36 failures). So many questions they count.
QUESTIONS_OF_A_SCALE = 12
# A condition must hold in this many runs, and not hold in as many, before it is asked about.
LEAST_RUNS = 3
# Of a factor with more levels than this only sets that the failures themselves suggest are tried.
MOST_LEVELS_FOR_SETS = 5
# Of a factor's prior share: single levels, all levels but one, other sets.
SINGLE, BUT_ONE, SET = 0.6, 0.2, 0.2


@dataclass(frozen=True)
class Candidate:
    """A condition that may explain failures.

    Args:
        condition: what is asked.
        holds: (n,) where it holds.
        share: its prior share of the error rate; the shares of all candidates add up to about one.
    """

    condition: Condition
    holds: Mask
    share: float


def candidates(frame: Frame, bad: Mask) -> list[Candidate]:
    """Every condition that can be asked of the runs, each once: of two that mean the same runs, the shorter one.

    Every factor gets the same share of the error rate, whatever number of levels it has. A plain level or threshold
    gets a larger part of it than a set of levels: what people get wrong is mostly one of them.

    Args:
        frame: the runs.
        bad: (n,) which failed; orders the levels of factors with too many of them to try every set.
    """
    factors = list(frame.space)
    found: list[Candidate] = []
    for factor in factors:
        seen: set[bytes] = set()
        for condition, holds, share in _of_factor(frame, factor, bad):
            if LEAST_RUNS <= int(holds.sum()) <= len(frame) - LEAST_RUNS and holds.tobytes() not in seen:
                seen.add(holds.tobytes())
                found.append(Candidate(condition, holds, share / len(factors)))
    return found


def where(frame: Frame, condition: Condition) -> Mask:
    """(n,) where a condition holds in the runs of `frame`."""
    column = frame.levels[condition.factor]
    active = frame.active(frame.space[condition.factor])
    if condition.sign in ("=", "≠"):
        return np.asarray(active & ((column == label(condition.level)) == (condition.sign == "=")))
    if condition.sign == "in":
        assert isinstance(condition.level, tuple)
        return np.asarray(active & np.isin(column, [label(level) for level in condition.level]))
    numbers = np.full(len(frame), np.nan)
    numbers[active] = column[active].astype(float)
    with np.errstate(invalid="ignore"):
        return np.asarray(numbers > condition.number if condition.sign == ">" else numbers < condition.number)


def _of_factor(frame: Frame, factor: Factor, bad: Mask) -> Iterator[tuple[Condition, Mask, float]]:
    """The conditions of one factor, the shorter ones first, each with its share of the factor's."""
    column, active = frame.levels[factor.name], frame.active(factor)
    if isinstance(factor, Numeric):
        numbers = column.astype(float)
        for threshold in _thresholds(factor, numbers[active]):
            yield Condition(factor.name, ">", threshold), active & (numbers > threshold), 1 / QUESTIONS_OF_A_SCALE
            yield Condition(factor.name, "<", threshold), active & (numbers < threshold), 1 / QUESTIONS_OF_A_SCALE
        return
    present = set(np.unique(column[active]).tolist())
    own = [level for level in factor.levels if label(level) in present]
    named = {label(level) for level in own}
    # Mixtures of components are levels that only their text names.
    singles: list[Level] = [*own, *sorted(present - named)]
    sets = [] if len(singles) > len(own) else [subset for subset in _sets(factor, own, column, bad) if subset]
    single, but_one, other = (SINGLE, BUT_ONE, SET) if sets else (1.0, 0.0, 0.0)
    for level in singles:
        yield Condition(factor.name, "=", level), active & (column == label(level)), single / len(singles)
    questions = max(1, 2 ** len(own) - 2 * len(own) - 2)
    for subset in sets:
        condition = as_condition(factor, own, subset)
        holds = active & np.isin(column, [label(level) for level in subset])
        yield condition, holds, but_one / len(own) if len(subset) == len(own) - 1 else other / questions


def as_condition(factor: Factor, levels: Sequence[Level], subset: Sequence[Level]) -> Condition:
    """A set of levels as the shortest condition: a level, all but one, an end of a scale of numbers, or the set.

    Args:
        factor: whose.
        levels: all of them that could occur.
        subset: those that are meant.
    """
    rest = [level for level in levels if level not in subset]
    if len(subset) == 1:
        return Condition(factor.name, "=", subset[0])
    if numbers_only(levels):
        below, above = max(subset), max(rest, default=None)  # type: ignore[type-var]
        if all(level > below for level in rest):  # type: ignore[operator]
            return Condition(factor.name, "<", min(rest))  # type: ignore[type-var]
        if all(level < min(subset) for level in rest):  # type: ignore[operator, type-var]
            assert above is not None
            return Condition(factor.name, ">", above)
    if len(rest) == 1:
        return Condition(factor.name, "≠", rest[0])
    return Condition(factor.name, "in", tuple(subset))


def numbers_only(levels: Sequence[Any]) -> bool:
    """Whether levels are a scale: numbers, of which there are three or more."""
    return len(levels) > 2 and all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels)


def _sets(factor: Factor, levels: Sequence[Level], column: Any, bad: Mask) -> list[tuple[Level, ...]]:
    """Sets of two levels or more, but not all: of numbers both ends of their scale and what leaves one out."""
    count = len(levels)
    if count < 3 or isinstance(factor, Composite):
        return [tuple(one for one in levels if one != level) for level in levels] if count > 2 else []
    but_one = [tuple(one for one in levels if one != level) for level in levels]
    if numbers_only(levels):
        scale = sorted(levels)  # type: ignore[type-var]
        ends = [tuple(scale[:size]) for size in range(2, count)] + [tuple(scale[size:]) for size in range(1, count - 1)]
        return list(dict.fromkeys([*ends, *but_one]))
    if count <= MOST_LEVELS_FOR_SETS:
        return [subset for size in range(2, count) for subset in combinations(levels, size)]
    rates = {level: bad[column == label(level)].mean() for level in levels}
    worst = sorted(levels, key=lambda level: (-rates[level], label(level)))
    return list(dict.fromkeys([*(tuple(worst[:size]) for size in range(2, count)), *but_one]))


def _thresholds(factor: Numeric, numbers: Floats) -> list[float]:
    """Between the runs' values, at even shares of them and at both ends; to six digits, as they are shown."""
    known = np.sort(numbers)
    if len(known) < 2 * LEAST_RUNS:
        return []
    first, last = LEAST_RUNS, len(known) - LEAST_RUNS
    even = np.linspace(first, last, CUTS).astype(int)
    ends = [
        cut for cut in (*range(first, END_RUNS + 1), *range(len(known) - END_RUNS, last + 1)) if first <= cut <= last
    ]
    cuts = np.unique([*even, *ends])
    gaps = [(known[cut - 1], known[cut]) for cut in cuts if known[cut - 1] != known[cut]]
    return [float(f"{np.sqrt(low * high) if factor.log else (low + high) / 2:.6g}") for low, high in gaps]
