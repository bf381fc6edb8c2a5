"""Of the variance between runs, what each factor takes part in, by itself and with others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.responses.responses import Response
from backtrack.vocabulary.factors import Numeric

# Runs that are looked at, trees, and how often each factor is shuffled.
MOST_RUNS, TREES, SHUFFLES = 1000, 100, 4
# Runs of a leaf: few where there is little noise, or such a share of all where there is much.
FEW, MANY = 3, 0.05
# Fewer runs say nothing.
LEAST_RUNS = 8


def total_shares(response: Response) -> dict[str, float]:
    """Each factor's total index, by a forest of all runs (Jansen 1999; Breiman 2001).

    A factor's column is shuffled, among the runs in which it exists: half of the mean square by which the forest's
    predictions move is the variance that the factor takes part in, as a share of that of the response.
    What the forest says of runs that a tree has not seen tells how much of this is noise: all shares are smaller by
    that. A size, without an error rate; verdicts come from the linear model, which has one.

    Args:
        response: of which runs. Of more than `MOST_RUNS` as many are drawn.

    Returns:
        `{factor: share}`, 0 to 1; they may sum to more than 1, since each of two that interact has what both explain.
        Not numbers where nothing can be told: there are few runs, all ended alike, or the forest foretells none that
        it has not seen.
    """
    names = [factor.name for factor in response.frame.space]
    rng = np.random.default_rng(0)
    size = len(response.y)
    chosen = rng.choice(size, MOST_RUNS, replace=False) if size > MOST_RUNS else np.arange(size)
    frame, y = response.frame.rows(chosen), response.y[chosen]
    if len(y) < LEAST_RUNS or np.ptp(y) == 0:
        return dict.fromkeys(names, math.nan)
    parts = {name: _columns(frame, name, rng) for name in names}
    columns = np.hstack(list(parts.values()))
    leaves = sorted({FEW, max(FEW, round(MANY * len(y)))})
    explained, forest = max((_grown(columns, y, leaf) for leaf in leaves), key=lambda one: one[0])
    if explained <= 0:
        return dict.fromkeys(names, math.nan)
    said = forest.predict(columns)
    kept = float(np.clip(explained / max(1e-12, float(said.var() / y.var())), 0.0, 1.0))
    found, start = {}, 0
    for name, part in parts.items():
        own = slice(start, start + part.shape[1])
        start += part.shape[1]
        there = np.flatnonzero(frame.active(frame.space[name]))
        moved = []
        for _ in range(SHUFFLES):
            shuffled = columns.copy()
            shuffled[there, own] = columns[rng.permutation(there), own]
            moved.append(float(np.square(forest.predict(shuffled) - said).mean()) / 2)
        found[name] = float(np.clip(kept * np.mean(moved) / y.var(), 0.0, 1.0))
    return found


def _grown(columns: Floats, y: Floats, leaf: int) -> tuple[float, Any]:
    """A forest, and the share of the variance that it explains of runs which a tree has not seen."""
    # Slow to load, and asked for in a report only.
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(TREES, min_samples_leaf=leaf, max_features=0.7, oob_score=True, random_state=0)
    forest.fit(columns, y)
    # Of a run that every tree has seen nothing is known: it says nothing.
    unseen = np.where(np.isfinite(forest.oob_prediction_), forest.oob_prediction_, y.mean())
    return 1 - float(np.square(y - unseen).mean()) / float(y.var()), forest


def _columns(frame: Frame, name: str, rng: np.random.Generator) -> Floats:
    """(n, k) a factor as numbers: its place on its scale, or a column for each level.

    Where it does not exist it gets a level of another run: else it would tell where its parent stands, and take a part
    of what that one explains.
    """
    factor, levels = frame.space[name], frame.levels[name].copy()
    there = frame.active(factor)
    if not there.any():
        return np.zeros((len(levels), 1))
    levels[~there] = rng.choice(levels[there], int((~there).sum()))
    if isinstance(factor, Numeric):
        return np.array([[factor.share(float(one))] for one in levels])
    return np.stack([levels == one for one in np.unique(levels)], axis=1).astype(np.float64)
