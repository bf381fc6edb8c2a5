"""Factors as columns of a linear model, coded so that each factor's columns ask about that factor alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backtrack.evidence.frame import Floats, Frame
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Factor, Numeric

# A curve in a numeric factor needs an optimum in the middle (degree 2); one that may lie off-centre is bent
# unevenly (degree 3), for which small samples have no degrees of freedom to spare.
DEGREE = 2
DEGREE_FROM_RUNS = (100, 3)


@dataclass(frozen=True)
class Term:
    """One factor in the model.

    Args:
        factor: which.
        columns: (n, k) its columns; zero where the factor is inactive.
        points: the levels that its effect is read at: observed labels, or shares 0…1 of a numeric scale.
        codes: (m, k) the columns' values at each of the m points.
        counts: (m,) runs at each point (within each slice of a numeric scale).
        pair_columns: (n, j) its columns in products with another factor's: without the levels that hardly any run is
            left of (`SPARSE`), which are zero there; none (j = 0) where fewer than two levels are left.
        pair_codes: (m, j) their values at each point.
    """

    factor: Factor
    columns: Floats
    points: tuple[Any, ...]
    codes: Floats
    counts: Floats
    pair_columns: Floats
    pair_codes: Floats

    @property
    def name(self) -> str:
        return self.factor.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The points as text."""
        if isinstance(self.factor, Numeric):
            return tuple(label(self.factor.at(share)) for share in self.points)
        return tuple(str(point) for point in self.points)

    def code(self, level: Any) -> Floats | None:
        """(k,) the columns' values at `level`; None where that level was never observed."""
        if isinstance(self.factor, Numeric):
            return polynomials(np.array([self.factor.share(float(level))]), self.columns.shape[1])[0]
        text = label(level)
        if text not in self.points:
            return None
        row: Floats = self.codes[self.points.index(text)]
        return row

    def pair_code(self, level: Any) -> Floats | None:
        """(j,) the columns' values in products at `level`; None where that level was never observed."""
        if isinstance(self.factor, Numeric):
            return self.code(level)
        text = label(level)
        return self.pair_codes[self.points.index(text)] if text in self.points else None

    @property
    def paired(self) -> list[int]:
        """Indices of the points that take part in products."""
        return [number for number, row in enumerate(self.pair_codes) if row.any()]


# Where a numeric factor's curve is read: its whole scale, as far as there are runs. Where all others failed or never
# reached the target, a curve would be drawn on beyond them, and the effect read at its end.
GRID = tuple(float(share) for share in np.linspace(0.0, 1.0, 21))
HALF_A_STEP = 0.5 / (len(GRID) - 1)
# Its ends and its middle: fewer would show no curve, and one alone no effect.
FEWEST_POINTS = 3
# A level with fewer than this share of an average level's runs, or fewer runs than that (the others failed), takes no
# part in interactions: what a handful of survivors shows would be taken for one.
SPARSE, HANDFUL = 0.4, 5


def term_of(frame: Frame, factor: Factor) -> Term | None:
    """The columns of `factor` over `frame`; None where fewer than two of its levels were observed.

    - Categorical and composite: sum-to-zero coding over the observed levels: the columns of level l < L are
      1 at l, -1 at the last level, 0 elsewhere; so that a level's coefficient is its distance from the mean of
      all levels, and a conditional factor does not disturb its parent.
    - Numeric: Legendre polynomials P1 … Pd of its scale mapped to [-1, 1], which are orthogonal under the
      screen's even spread.
    """
    active = frame.active(factor)
    if isinstance(factor, Numeric):
        shares = np.array([factor.share(value) if ok else 0.0 for value, ok in _numbers(frame, factor)])
        if active.sum() < 3 or np.ptp(shares[active]) < 1e-9:
            return None
        degree = DEGREE_FROM_RUNS[1] if active.sum() >= DEGREE_FROM_RUNS[0] else DEGREE
        columns = np.where(active[:, None], polynomials(shares, degree), 0.0)
        points, counts = _read_at(shares[active])
        codes = polynomials(np.array(points), degree)
        return Term(
            factor=factor,
            columns=columns,
            points=points,
            codes=codes,
            counts=counts,
            pair_columns=columns,
            pair_codes=codes,
        )
    column = frame.levels[factor.name]
    names = list(factor.levels)
    observed = [label(name) for name in names if (column == label(name)).any()]
    # Mixtures of a composite's components come from backtracking; they are levels of their own.
    observed += sorted(set(column[active].tolist()) - set(observed))
    if len(observed) < 2:
        return None
    codes = np.vstack([np.eye(len(observed) - 1), -np.ones(len(observed) - 1)])
    columns = np.zeros((len(frame), len(observed) - 1))
    for text, row in zip(observed, codes, strict=True):
        columns[column == text] = row
    counts = np.array([(column == text).sum() for text in observed], dtype=float)
    kept = [number for number, count in enumerate(counts) if count >= max(HANDFUL, SPARSE * counts.mean())]
    if len(kept) == len(observed):
        return Term(
            factor=factor,
            columns=columns,
            points=tuple(observed),
            codes=codes,
            counts=counts,
            pair_columns=columns,
            pair_codes=codes,
        )
    # With one level left, or none, there is nothing to multiply: no columns.
    width = max(0, len(kept) - 1)
    pair_codes = np.zeros((len(observed), width))
    if width:
        pair_codes[kept] = np.vstack([np.eye(width), -np.ones(width)])
    pair_columns = np.zeros((len(frame), width))
    for text, row in zip(observed, pair_codes, strict=True):
        pair_columns[column == text] = row
    return Term(
        factor=factor,
        columns=columns,
        points=tuple(observed),
        codes=codes,
        counts=counts,
        pair_columns=pair_columns,
        pair_codes=pair_codes,
    )


def polynomials(shares: Floats, degree: int) -> Floats:
    """(n, degree) Legendre polynomials P1 … P_degree at `2 · shares - 1`."""
    return np.polynomial.legendre.legvander(2 * np.asarray(shares) - 1, degree)[:, 1:].astype(np.float64)


def block_columns(codes: Floats) -> Floats:
    """(n, b - 1) sum-to-zero columns for the b distinct values of `codes`, (n,); no columns for one value."""
    values = np.unique(codes)
    if len(values) < 2:
        return np.zeros((len(codes), 0))
    columns = np.zeros((len(codes), len(values) - 1))
    for number, value in enumerate(values[:-1]):
        columns[codes == value, number] = 1.0
    columns[codes == values[-1]] = -1.0
    return columns


def _read_at(shares: Floats) -> tuple[tuple[float, ...], Floats]:
    """Where a numeric factor's curve is read, as shares of its scale, and how many runs lie in the slice of each."""
    low, high = float(shares.min()), float(shares.max())
    slices = np.histogram(shares, bins=len(GRID), range=(0, 1))[0].astype(float)
    reached = [number for number, share in enumerate(GRID) if low - HALF_A_STEP <= share <= high + HALF_A_STEP]
    if len(reached) >= FEWEST_POINTS:
        return tuple(GRID[number] for number in reached), slices[reached]
    own = np.linspace(low, high, FEWEST_POINTS)
    return tuple(own.tolist()), np.histogram(shares, bins=FEWEST_POINTS)[0].astype(float)


def _numbers(frame: Frame, factor: Factor) -> list[tuple[float, bool]]:
    column = frame.levels[factor.name].astype(float)
    return [(float(value), not np.isnan(value)) for value in column]
