"""Error rates that hold over several looks at growing evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import stats

from backtrack.evidence.frame import Floats

# Where the statistic is integrated: this far out nothing is left.
FAR, POINTS = 8.5, 801


def nominal_levels(runs: Sequence[int], spent: Sequence[float]) -> list[float]:
    """The level of each look at which the looks together err as often as was to be spent.

    Alpha spending after Lan and DeMets (1983): the test statistic of a question with n_1 < n_2 < … runs is a Brownian
    motion, z_k with correlation √(n_i / n_k). Look k may use up spent_k - spent_{k-1}: its level a_k solves
    P(|z_k| > Φ⁻¹(1 - a_k / 2), and no earlier look rejected) = spent_k - spent_{k-1}, by numerical integration
    (Armitage, McPherson and Rowe 1969).

    Args:
        runs: (k,) runs at each look, growing.
        spent: (k,) error rate used up after each look, growing.

    Returns:
        (k,) two-sided levels; the first is `spent[0]`.

    Example:
        >>> [round(level, 4) for level in nominal_levels([100, 200], [0.025, 0.05])]
        [0.025, 0.0335]
    """
    return list(_levels(tuple(map(int, runs)), tuple(map(float, spent))))


@lru_cache(maxsize=64)
def _levels(runs: tuple[int, ...], spent: tuple[float, ...]) -> tuple[float, ...]:
    levels = [spent[0]]
    bound = float(stats.norm.isf(spent[0] / 2))
    # Density of the score S_k = z_k √n_k where no look has rejected so far.
    at: Floats = np.linspace(-bound, bound, POINTS)
    density = stats.norm.pdf(at)
    before = runs[0]
    for now, earlier, used in zip(runs[1:], spent, spent[1:], strict=False):
        left = used - earlier
        fresh = max(now - before, 1)
        grid = np.linspace(-FAR, FAR, 2 * POINTS - 1)
        # z at this look given z at the last one: mean z √(before / now), variance fresh / now.
        mean, spread = at * math.sqrt(before / now), math.sqrt(fresh / now)
        step = at[1] - at[0]
        reached = (stats.norm.pdf((grid[:, None] - mean[None, :]) / spread) / spread) @ density * step
        tail = np.concatenate([[0.0], np.cumsum((reached[1:] + reached[:-1]) / 2 * (grid[1] - grid[0]))])
        # By symmetry: what lies beyond -b on the left is half of what is spent.
        bound = -float(np.interp(max(left, 0.0) / 2, tail, grid)) if left > 0 else FAR
        levels.append(2 * float(stats.norm.sf(bound)))
        at = np.linspace(-bound, bound, POINTS)
        density = np.interp(at, grid, reached)
        before = now
    return tuple(levels)
