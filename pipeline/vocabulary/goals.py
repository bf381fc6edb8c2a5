"""Further numbers that a task is judged by, beside its metric: each with a direction, and a limit if it has one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backtrack.errors import SpaceError


@dataclass(frozen=True)
class Goal:
    """One further number that a task reports.

    Args:
        name: as the task reports it.
        mode: "min" or "max".
        limit: that it must not pass: at most so much where less is better, at least so much where more is; or None.

    Raises:
        SpaceError: for another mode, or a limit that is no finite number.

    Example:
        >>> Goal("latency", "min", limit=30).meets(28.5), str(Goal("latency", "min", limit=30))
        (True, 'latency <= 30')
    """

    name: str
    mode: str = "min"
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise SpaceError(f"goal {self.name!r}: mode {self.mode!r}; expected 'min' or 'max'")
        if self.limit is not None and not math.isfinite(self.limit):
            raise SpaceError(f"goal {self.name!r}: limit {self.limit}; expected a finite number")

    def meets(self, value: float) -> bool:
        """Whether a value keeps the limit; every one does where there is none."""
        if self.limit is None:
            return True
        return value <= self.limit if self.mode == "min" else value >= self.limit

    def __str__(self) -> str:
        if self.limit is None:
            return f"{self.name}:{self.mode}"
        return f"{self.name} {'<=' if self.mode == 'min' else '>='} {self.limit:g}"


def goal_from(text: str) -> Goal:
    """A goal as it is typed: `latency:min`, `latency<=30`, `recall>=.8`.

    Raises:
        SpaceError: for another form.

    Example:
        >>> goal_from("latency<=30")
        Goal(name='latency', mode='min', limit=30.0)
    """
    match = re.fullmatch(r"\s*([^\s<>=:]+)\s*(?::\s*(min|max)|(<=|>=|<|>)\s*([-+\d.eE]+))\s*", text)
    if match is None:
        raise SpaceError(f"goal {text!r}: expected NAME:min, NAME:max, NAME<=LIMIT or NAME>=LIMIT, such as latency<=30")
    name, mode, sign, limit = match.groups()
    if mode:
        return Goal(name, mode)
    return Goal(name, "min" if sign.startswith("<") else "max", float(limit))


def described_goals(goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """Goals as plain JSON values."""
    return [{"name": one.name, "mode": one.mode, "limit": one.limit} for one in goals]


def goals_from(described: Sequence[Mapping[str, Any]]) -> tuple[Goal, ...]:
    """The inverse of `described_goals`."""
    return tuple(Goal(**one) for one in described)
