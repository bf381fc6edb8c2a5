"""How past runs were chosen: beforehand, or by earlier results? Only the former can be tested with an error rate.

A design that nothing chose by results has levels that are independent of each other, of the order in which they were
run, and of earlier results. Each is tested. The last test carries most: a sampler that follows results (TPE, a Gaussian
process, evolution, a person) picks levels near those of the best runs so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from backtrack.evidence.frame import INACTIVE, Floats, Frame, Mask
from backtrack.evidence.statistics.multiple import holm
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric

BEFOREHAND, BY_RESULTS, UNTOLD = "beforehand", "by results", "untold"

# Runs that follow earlier ones are judged from here on; a sampler's start-up is mostly as long.
FIRST = 10
# Of the earlier runs, the share that counts as the best (TPE's own is 10 %, at most 25).
BEST_SHARE = 0.2
# Width of a neighbourhood on a scale from 0 to 1.
WIDTH = 0.1
# More runs than these are not looked at: the first ones tell.
MOST_RUNS = 500
DEALS = 200
# Below the first, runs follow results; above the second nothing shows it. In between nobody can say.
FOLLOWS, NOTHING_SHOWN = 0.05, 0.2
# Independence of levels from each other and from the order (Holm over all of its questions).
ALPHA = 0.001
# Fewer runs cannot show how they were chosen.
LEAST_RUNS = 30
# A full grid: so many of all combinations are there.
GRID_SHARE = 0.95


@dataclass(frozen=True)
class Choice:
    """How runs were chosen.

    Args:
        chosen: `BEFOREHAND`, `BY_RESULTS` or `UNTOLD`.
        how: in words: what chose them, and how that is known.
        tied: pairs of factors whose levels go together, the strongest first, with the p-value of independence.
        drifting: factors whose levels change over the order of the runs, with the p-value.
        p_follows: p-value of "no level follows earlier results"; NaN where it was not tested.
    """

    chosen: str
    how: str
    tied: tuple[tuple[str, str, float], ...] = ()
    drifting: tuple[tuple[str, float], ...] = ()
    p_follows: float = float("nan")


def how_chosen(frame: Frame, better: Floats, ordered: bool = True) -> Choice:
    """How the runs of `frame` were chosen, from themselves.

    Args:
        frame: the runs, in the order in which they were run.
        better: (n,) results, more is better; those that failed as -inf.
        ordered: whether that order is known.

    Returns:
        `BEFOREHAND` for a full grid, and where levels are independent of each other, of the order, and of earlier
        results; `BY_RESULTS` where they follow results; else `UNTOLD`.
    """
    if is_grid(frame):
        return Choice(BEFOREHAND, "every combination of levels was run: a full grid")
    if len(frame) < LEAST_RUNS:
        return Choice(UNTOLD, f"{len(frame)} runs are too few to show how they were chosen (it takes {LEAST_RUNS})")
    tied, drifting = tied_factors(frame), drifting_factors(frame) if ordered else ()
    if ordered and _is_sorted(better):
        return Choice(UNTOLD, "the table is sorted by its results, so the order of the runs is not known", tied)
    follows = follows_results(frame, better)
    if follows < FOLLOWS:
        how = f"their levels follow the results of earlier runs (p {follows:.2g})"
        return Choice(BY_RESULTS, how, tied, drifting, follows)
    if tied:
        named = ", ".join(f"{a} and {b}" for a, b, _ in tied[:3])
        return Choice(UNTOLD, f"levels go together ({named}), as they do in no random design", tied, drifting, follows)
    if drifting:
        named = ", ".join(name for name, _ in drifting[:3])
        return Choice(UNTOLD, f"levels of {named} change over the order of the runs", tied, drifting, follows)
    if follows < NOTHING_SHOWN:
        how = f"whether their levels follow earlier results is not certain (p {follows:.2g})"
        return Choice(UNTOLD, how, tied, drifting, follows)
    how = "levels are independent of each other, of the order of the runs, and of earlier results"
    return Choice(BEFOREHAND, how, tied, drifting, follows)


def is_grid(frame: Frame) -> bool:
    """Whether the runs are every combination of the observed levels, each as often, but for a few that are missing."""
    columns = [frame.levels[factor.name].astype(str) for factor in frame.space]
    combinations_seen, counts = np.unique(np.array(columns).T, axis=0, return_counts=True)
    whole = float(np.prod([len(np.unique(column)) for column in columns]))
    return len(frame) > 3 and len(combinations_seen) >= GRID_SHARE * whole and counts.max() <= counts.min() + 1


def _is_sorted(better: Floats) -> bool:
    finite = better[np.isfinite(better)]
    if len(finite) < FIRST or np.ptp(finite) == 0:
        return False
    return abs(float(stats.spearmanr(np.arange(len(finite)), finite).statistic)) > 0.99


def positions(frame: Frame, name: str) -> Floats:
    """(n,) a factor's levels as numbers: shares of a scale, or places among its levels; NaN where it does not exist."""
    factor, column = frame.space[name], frame.levels[name]
    if isinstance(factor, Numeric):
        return np.array([factor.share(value) if np.isfinite(value) else np.nan for value in column.astype(float)])
    places = {label(level): float(place) for place, level in enumerate(factor.levels)}
    return np.array([places.get(str(level), np.nan) if level != INACTIVE else np.nan for level in column])


def tied_factors(frame: Frame) -> tuple[tuple[str, str, float], ...]:
    """Pairs of factors whose levels are not independent of each other, surely; conditions of the space left out."""
    asked, p = [], []
    for a, b in combinations([factor.name for factor in frame.space], 2):
        both = frame.active(frame.space[a]) & frame.active(frame.space[b])
        if b in (frame.space[a].when or {}) or a in (frame.space[b].when or {}) or both.sum() < FIRST:
            continue
        asked.append((a, b))
        p.append(_independence(frame, a, b, both))
    return tuple((names[0], names[1], one) for names, one in _sure(asked, p))


def drifting_factors(frame: Frame) -> tuple[tuple[str, float], ...]:
    """Factors whose levels change over the order of the runs, surely."""
    order = np.arange(len(frame), dtype=float)
    asked, p = [], []
    for factor in frame.space:
        there = frame.active(factor)
        if there.sum() < FIRST:
            continue
        asked.append((factor.name,))
        here = positions(frame, factor.name)[there]
        if isinstance(factor, Numeric):
            # A sampler that closes in changes the spread, one that wanders the place.
            wander = float(stats.spearmanr(order[there], here).pvalue)
            closing = float(stats.spearmanr(order[there], np.abs(here - np.median(here))).pvalue)
            p.append(min(1.0, 2 * min(wander, closing)))
        else:
            p.append(_across(here, order[there]))
    return tuple((names[0], one) for names, one in _sure(asked, p))


def _sure(asked: Sequence[tuple[str, ...]], p: Sequence[float]) -> list[tuple[tuple[str, ...], float]]:
    """Of questions those whose adjusted p is below `ALPHA`, with their raw p, the smallest first."""
    if not asked:
        return []
    clean = [1.0 if np.isnan(one) else one for one in p]
    adjusted = holm(clean)
    found = [(names, raw) for names, raw, own in zip(asked, clean, adjusted, strict=True) if own < ALPHA]
    return sorted(found, key=lambda one: one[1])


def _independence(frame: Frame, a: str, b: str, both: Mask) -> float:
    left, right = positions(frame, a)[both], positions(frame, b)[both]
    numeric = [isinstance(frame.space[name], Numeric) for name in (a, b)]
    if min(len(np.unique(left)), len(np.unique(right))) < 2:
        return 1.0
    if all(numeric):
        return float(stats.spearmanr(left, right).pvalue)
    if any(numeric):
        return _across(right, left) if numeric[0] else _across(left, right)
    table = np.array([[((left == x) & (right == y)).sum() for y in np.unique(right)] for x in np.unique(left)])
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _across(group: Floats, value: Floats) -> float:
    """p-value of "the same distribution of `value` in every group" (Kruskal and Wallis)."""
    parts = [value[group == one] for one in np.unique(group)]
    if len(parts) < 2 or np.ptp(value) == 0:
        return 1.0
    return float(stats.kruskal(*parts).pvalue)


def follows_results(frame: Frame, better: Floats, seed: int = 0) -> float:
    """p-value of "no level was chosen by the results of earlier runs".

    T = Σ_i Σ_k log g_ik / a_ik over the runs i from `FIRST` on and the factors k: g is the density of run i's level
    among the best `BEST_SHARE` of the earlier runs, a that among all earlier runs (a normal kernel of `WIDTH` on a
    numeric scale, Laplace's rule for levels). Where earlier results chose the levels, T is large. It is compared with
    its values when the results are dealt anew between the runs. Where nothing chose by results but factors have
    effects, the best runs crowd, T is below its deals, and p is large; so p holds at least its level.

    Args:
        frame: the runs in their order; the first `MOST_RUNS` are looked at.
        better: (n,) results, more is better.
        seed: of the deals.
    """
    count = min(len(frame), MOST_RUNS)
    results = better[:count]
    near, factors = _nearness(frame, count)
    rng = np.random.default_rng(seed)
    observed = _following(near, factors, results)
    deals = [_following(near, factors, results[rng.permutation(count)]) for _ in range(DEALS)]
    return float((1 + sum(deal >= observed for deal in deals)) / (DEALS + 1))


def _nearness(frame: Frame, count: int) -> tuple[list[Floats], list[float]]:
    """For each factor (n, n): how near each run's level lies to each other's; and a level's density under no choice."""
    near, even = [], []
    for factor in frame.space:
        here = positions(frame, factor.name)[:count]
        with np.errstate(invalid="ignore"):
            apart = here[:, None] - here[None, :]
        if isinstance(factor, Numeric):
            kernel = np.exp(-0.5 * (apart / WIDTH) ** 2) / (WIDTH * np.sqrt(2 * np.pi))
            near.append(np.where(np.isfinite(apart), kernel, 0.0))
            even.append(1.0)
        else:
            near.append(np.where(np.isfinite(apart), (apart == 0).astype(float), 0.0))
            even.append(1 / len(factor.levels))
    return near, even


def _following(near: Sequence[Floats], even: Sequence[float], results: Floats) -> float:
    count = len(results)
    best = np.zeros((count, count))
    for run in range(FIRST, count):
        most = max(2, round(BEST_SHARE * run))
        best[run, np.argpartition(-results[:run], most - 1)[:most]] = 1.0
    earlier = np.tril(np.ones((count, count)), -1)
    total = 0.0
    for kernel, flat in zip(near, even, strict=True):
        good = ((best * kernel).sum(axis=1) + flat) / (best.sum(axis=1) + 1)
        whole = ((earlier * kernel).sum(axis=1) + flat) / (earlier.sum(axis=1) + 1)
        total += float(np.log(good[FIRST:] / whole[FIRST:]).sum())
    return total
