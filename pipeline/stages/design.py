"""Randomised, level-balanced designs: the settings of many factors at once, so that each can be judged apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtrack.vocabulary.config import Config
from backtrack.vocabulary.factors import Categorical, Numeric
from backtrack.vocabulary.space import SearchSpace

Codes = NDArray[np.int64]

# A numeric factor is balanced against the others in this many equal slices of its scale.
SLICES = 4
# Swaps that are tried for each run; beyond this the association between columns hardly falls.
SWAPS_PER_RUN = 15
MOST_SWAPS = 10_000


def balanced_configs(space: SearchSpace, runs: int, seed: int, blocks: int = 1) -> list[tuple[Config, int]]:
    """`runs` configs, each level of each factor equally often, and nearly independent of every other factor.

    - A categorical or composite factor takes each level ⌊n/L⌋ or ⌈n/L⌉ times in the n runs where it is active.
    - A numeric factor is stratified: one value from each of n equal slices of its scale.
    - A conditional factor is balanced inside its condition.
    - Association between columns is lowered by random swaps within a column, which keep its balance; what
      remains is random, so that tests on the design stay valid.

    Args:
        space: the factors.
        runs: how many configs.
        seed: the same seed gives the same design.
        blocks: number of blocks (seeds) that the runs are divided into; balanced like a factor.

    Returns:
        (config, block) for each run, in random order.
    """
    rng = np.random.default_rng([seed, runs, 1])
    block = _balanced_column(rng, runs, blocks)
    coded: list[tuple[NDArray[np.bool_], Codes]] = [(np.ones(runs, bool), block)] if blocks > 1 else []
    levels: list[dict[str, Any]] = [{} for _ in range(runs)]
    for factor in space:
        active = np.array([space.is_active(factor, row) for row in levels], bool)
        rows = np.flatnonzero(active)
        if not len(rows):
            continue
        if isinstance(factor, Numeric):
            ranks = rng.permutation(len(rows))
            coarse = ranks * SLICES // len(rows)
            order = _decorrelate(rng, coarse, rows, coded)
            shares = (ranks[order] + rng.random(len(rows))) / len(rows)
            chosen: Sequence[Any] = [factor.at(float(share)) for share in shares]
            codes = coarse[order]
        else:
            names = list(factor.levels)
            column = _balanced_column(rng, len(rows), len(names))
            codes = column[_decorrelate(rng, column, rows, coded)]
            chosen = [names[code] for code in codes]
        full = np.full(runs, -1, dtype=np.int64)
        full[rows] = codes
        coded.append((active, full))
        for row, level in zip(rows, chosen, strict=True):
            levels[row][factor.name] = level
    return [(space.config(row), int(block[number])) for number, row in enumerate(levels)]


def _balanced_column(rng: np.random.Generator, runs: int, levels: int) -> Codes:
    """Each of `levels` codes equally often; where that does not divide, which ones get one more is drawn."""
    return rng.permutation(rng.permutation(levels)[np.arange(runs) % levels])


def _decorrelate(
    rng: np.random.Generator,
    column: Codes,
    rows: NDArray[np.int64],
    others: list[tuple[NDArray[np.bool_], Codes]],
) -> NDArray[np.int64]:
    """A reordering of `column` that lowers its association with `others`.

    The loss is the sum over other columns of Σ (count - expected count)² over the cells of their two-way table;
    it is lowered by random swaps of two entries, each kept only where it lowers the loss.

    Args:
        column: (n,) codes of the new column.
        rows: (n,) the runs that it belongs to.
        others: earlier columns as (active, codes) over all runs; entries outside `active` are ignored.

    Returns:
        (n,) order such that `column[order]` is the improved column.
    """
    size = len(rows)
    order = np.arange(size)
    usable = [codes[rows] for active, codes in others if active[rows].any()]
    if not usable or size < 3:
        return order
    width = max(int(codes.max()) for codes in usable) + 1
    # others: (columns, runs); an inactive entry points at a last slot whose cells are never counted.
    table = np.stack([np.where(codes < 0, width, codes) for codes in usable])
    own = int(column.max()) + 1
    which = np.arange(len(usable))
    excess = np.zeros((len(usable), own, width + 1))
    for number, codes in enumerate(table):
        np.add.at(excess[number], (column, codes), 1.0)
        excess[number] -= np.outer(np.bincount(column, minlength=own), np.bincount(codes, minlength=width + 1)) / size
    current = column.copy()
    for first, second in rng.integers(0, size, size=(min(MOST_SWAPS, SWAPS_PER_RUN * size), 2)):
        u, v = current[first], current[second]
        if u == v:
            continue
        a, b = table[:, first], table[:, second]
        moves = a != b
        live_a, live_b = moves & (a < width), moves & (b < width)
        # Change of Σ excess² when u and v trade places: each touched cell changes by one.
        change = (
            np.where(live_a, 2 * (excess[which, v, a] - excess[which, u, a]) + 2, 0)
            + np.where(live_b, 2 * (excess[which, u, b] - excess[which, v, b]) + 2, 0)
        ).sum()
        if change >= 0:
            continue
        for live, cell, gains, loses in ((live_a, a, v, u), (live_b, b, u, v)):
            touched = which[live]
            excess[touched, gains, cell[live]] += 1
            excess[touched, loses, cell[live]] -= 1
        current[first], current[second] = v, u
        order[first], order[second] = order[second], order[first]
    return order


def level_counts(space: SearchSpace, configs: Sequence[Config]) -> dict[str, dict[Any, int]]:
    """How often each level of each categorical or composite factor occurs, for checks and for the report."""
    counts: dict[str, dict[Any, int]] = {}
    for factor in space:
        if not isinstance(factor, Numeric):
            names = factor.levels if isinstance(factor, Categorical) else tuple(factor.levels)
            counts[factor.name] = {name: sum(config.get(factor.name) == name for config in configs) for name in names}
    return counts
