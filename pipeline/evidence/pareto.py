"""The runs that no other run beats in everything: the Pareto front, and its knee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backtrack.evidence.frame import Floats, Mask
from backtrack.evidence.statistics.normal import NORMAL_95


@dataclass(frozen=True)
class FrontRun:
    """A run of the front.

    Args:
        trial, seed: which.
        values: `{number: (value, low, high)}`, 95 % by the run-to-run standard deviation.
        knee: whether it is the one nearest to the ideal point, where each number is the best of the front.
    """

    trial: str
    seed: int
    values: Mapping[str, tuple[float, float, float]]
    knee: bool


def undominated(values: Floats) -> Mask:
    """(n,) the rows that no other row beats: at least as good in every column, and better in one.

    Args:
        values: (n, k), more is better.

    Example:
        >>> undominated(np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0]])).tolist()
        [True, True, False]
    """
    kept = np.ones(len(values), bool)
    for row, own in enumerate(values):
        others = values[kept]
        beaten = (others >= own).all(axis=1) & (others > own).any(axis=1)
        kept[row] = not beaten.any()
    return kept


def knee_of(front: Floats) -> int:
    """The row of a front nearest to its ideal point, each column scaled to the front's range.

    Args:
        front: (n, k), more is better.
    """
    spread = np.ptp(front, axis=0)
    scaled = (front.max(axis=0) - front) / np.where(spread > 0, spread, 1.0)
    return int(np.argmin(np.linalg.norm(scaled, axis=1)))


def front_of(
    trials: Sequence[str],
    seeds: Sequence[int],
    numbers: Mapping[str, Floats],
    signs: Mapping[str, int],
    noise: Mapping[str, float],
    feasible: Mask,
) -> list[FrontRun]:
    """The runs of the front, the best by the first number first.

    Args:
        trials, seeds: of n runs.
        numbers: `{name: (n,) values}`, NaN where a run has none.
        signs: `{name: 1 where more is better, else -1}`.
        noise: `{name: run-to-run standard deviation}`, NaN where unknown.
        feasible: (n,) the runs that keep every limit.
    """
    names = list(numbers)
    values = np.column_stack([signs[name] * numbers[name] for name in names])
    usable = np.flatnonzero(feasible & np.isfinite(values).all(axis=1))
    if len(usable) < 1:
        return []
    front = usable[undominated(values[usable])]
    knee = front[knee_of(values[front])]
    ordered = sorted(front.tolist(), key=lambda row: -values[row, 0])
    return [
        FrontRun(
            trial=str(trials[row]),
            seed=int(seeds[row]),
            values={name: _ranged(float(numbers[name][row]), noise.get(name, float("nan"))) for name in names},
            knee=row == knee,
        )
        for row in ordered
    ]


def _ranged(value: float, noise: float) -> tuple[float, float, float]:
    reach = NORMAL_95 * noise
    return value, value - reach, value + reach
