"""Collects what one training measures while it runs, so that nothing is lost where it ends early."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.result import CurvePoint


class Enough(BaseException):
    """Raised by a recorder that has heard what it wanted, to end the training. No `Exception`, so that it gets out."""


class Recorder:
    """The growing record of one training run.

    Attributes:
        curve: points so far.
        epochs: completed epochs (reports).
        warmup_seconds: first-call excess, once known.
        chance: the metric at chance, once known.
        device: where it really runs, where that is known better than by the caller.
        train_seconds: time so far, set by the loop, warm-up left out.
        memory: peak bytes of a program; 0 where it ran in this process.
        output: what a program wrote, within bounds.
        seen: checks that found something, as the watch told them.
        anatomy: what interventions would need and which apply, where that was asked.
        intervene: called with torch once the training is listened to, where something is changed in it or looked at in
            this process; what it returns is called at the end.
    """

    def __init__(self) -> None:
        self.curve: list[CurvePoint] = []
        self.epochs = 0
        self.warmup_seconds = 0.0
        self.chance: float | None = None
        self.device = ""
        self.train_seconds = 0.0
        self.memory = 0
        self.output = ""
        self.seen: list[Finding] = []
        self.anatomy: dict[str, Any] = {}
        self.intervene: Callable[[Any], Callable[[], None]] | None = None

    def point(self, step: int, epoch: float, name: str, value: float) -> None:
        """Adds one number; `step` and `epoch` as in `CurvePoint`."""
        self.curve.append(CurvePoint(step, epoch, name, value, self.train_seconds))

    def report(self, number: int, values: Mapping[str, float], at: float | None = None) -> None:
        """Adds a report of a function task: all its numbers at once; `at` is its place on the x axis."""
        for name, value in values.items():
            self.point(number, float(number) if at is None else at, name, value)
        self.epochs = number

    def values(self, name: str) -> list[float]:
        """The series called `name`, in order."""
        return [point.value for point in self.curve if point.name == name]

    def last_finite(self, name: str) -> float | None:
        """The last finite value of the series, or None."""
        finite = [value for value in self.values(name) if math.isfinite(value)]
        return finite[-1] if finite else None

    def rename(self, name: str, other: str) -> None:
        """Gives the series called `name` another name."""
        self.curve = [replace(point, name=other) if point.name == name else point for point in self.curve]
