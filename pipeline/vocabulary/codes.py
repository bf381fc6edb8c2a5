"""Numbers in a table that stand for what is missing, such as -999."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# So often a code comes at least, and in so large a part at most; others that its feature has, and how many times their
# range it lies off them.
LEAST, MOST, OTHERS, APART = 3, 0.5, 8, 3.0


@dataclass(frozen=True)
class Code:
    """A number that stands for a missing value.

    Args:
        value: itself.
        count: how often it comes.
        low, high: the range of the other numbers in the features that have it.
    """

    value: float
    count: int
    low: float
    high: float


def code_in(rows: Any) -> Code | None:
    """The lowest or the highest number of a table, where it comes again and again, far from all others of its feature.

    Args:
        rows: (examples, features) floating numbers.

    Example:
        >>> import torch
        >>> rows = torch.arange(40.0).reshape(20, 2)
        >>> rows[::5, 1] = -999
        >>> code_in(rows)
        Code(value=-999.0, count=4, low=3.0, high=39.0)
        >>> code_in(torch.arange(40.0).reshape(20, 2)) is None
        True
    """
    if rows.ndim != 2 or not rows.numel():
        return None
    return next((code for end in (rows.min(), rows.max()) if (code := _coded(rows, end)) is not None), None)


def _coded(rows: Any, end: Any) -> Code | None:
    marked = rows == end
    count = int(marked.sum())
    features = marked.any(0)
    if count < LEAST or count > MOST * int(features.sum()) * len(rows):
        return None
    bounds = []
    for column, mark in zip(rows[:, features].T, marked[:, features].T, strict=True):
        others = column[~mark]
        if len(others) < OTHERS:
            return None
        low, high = float(others.min()), float(others.max())
        nearest = min(abs(low - float(end)), abs(high - float(end)))
        if not 0 < APART * (high - low) < nearest:
            return None
        bounds.append((low, high))
    return Code(float(end), count, min(low for low, _ in bounds), max(high for _, high in bounds))


class Filling:
    """Puts the mean of the other numbers of a feature in the place of a code.

    Args:
        code: the number that stands for what is missing.

    Example:
        >>> import torch
        >>> Filling(-1.0).filled(torch.tensor([[2.0], [-1.0], [4.0]]), learns=True).flatten().tolist()
        [2.0, 3.0, 4.0]
    """

    def __init__(self, code: float) -> None:
        self._code = code
        self._sum: Any = 0.0
        self._count: Any = 0

    def filled(self, batch: Any, learns: bool) -> Any:
        """A batch without the code.

        Args:
            batch: (examples, features).
            learns: whether the means are of this batch, too.
        """
        missing = batch == self._code
        if learns:
            self._sum = self._sum + batch.masked_fill(missing, 0).double().sum(0)
            self._count = self._count + (~missing).sum(0)
        means = (self._sum / self._count.clamp_min(1)).to(batch.dtype)
        return means.expand_as(batch).where(missing, batch)
