"""What every kind of task shares: its space, and factors held at one level."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from backtrack.errors import SpaceError, TaskError
from backtrack.task.options import as_type_of
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.goals import Goal
from backtrack.vocabulary.narrowing import fix
from backtrack.vocabulary.space import SearchSpace
from backtrack.watch.symptoms import all_symptoms

Mode = Literal["min", "max"]
Levels = Mapping[str, Any]


@dataclass(frozen=True)
class Changes:
    """Interventions among a task's factors: they reach the training from outside, and not by its config.

    Args:
        names: of these factors.
        anatomy: of a run as written, as plain values (`task/intervention.py`).

    Example:
        >>> Changes(("learning_rate",)).names
        ('learning_rate',)
    """

    names: tuple[str, ...] = ()
    anatomy: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Source:
    """Where a task was loaded from.

    Args:
        name: of the task.
        file: the task file, absolute; None for one of the built-in tasks.
        loaded: the task as the file has it, before anything was set for it.
    """

    name: str
    file: Path | None = None
    loaded: object = field(default=None, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the task file, in hex digits; empty for a built-in task."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest() if self.file is not None else ""


def check_common(name: str, metric: str, mode: str) -> None:
    if not name or not isinstance(name, str):
        raise TaskError(f"task name {name!r}: expected a short name such as 'squirrel'")
    if not metric or not isinstance(metric, str):
        raise TaskError(f"task {name!r}: metric {metric!r}; expected the name of the number to judge by, e.g. 'error'")
    if mode not in ("min", "max"):
        raise TaskError(
            f"task {name!r}: mode {mode!r}; expected 'min' (an error, a loss) or 'max' (an accuracy, a score)"
        )


class Swept:
    """What both kinds of task share: the space, and factors held at one level."""

    name: str
    metric: str
    factors: Sequence[Factor]
    fixed: Levels
    thresholds: Mapping[str, float]
    source: Source | None
    changes: Changes
    goals: Sequence[Goal]
    space: SearchSpace
    whole_space: SearchSpace

    def _set_spaces(self) -> None:
        # The dataclasses below are frozen; this is part of their construction.
        object.__setattr__(self, "factors", tuple(self.factors))
        object.__setattr__(self, "whole_space", SearchSpace(tuple(self.factors)))
        object.__setattr__(self, "space", fix(self.whole_space, self.fixed)[0] if self.fixed else self.whole_space)

    def check_has_factors(self) -> None:
        """Checks that there is something to vary, before anything is planned.

        Raises:
            SpaceError: where the task has no factors.
        """
        if not self.space.factors:
            raise SpaceError(
                f"task {self.name!r} has no factors, so there is nothing to sweep; give it factors=[…], vary the "
                "posts' tricks on it (--tricks), or let a checkup look for what is wrong (backtrack checkup)"
            )

    def with_fixed(self, levels: Levels) -> Self:
        """This task with some factors held at one level: they leave the space, and every run has that level.

        Raises:
            SpaceError: for an unknown factor or level.
        """
        fixed = {**self.fixed, **fix(self.whole_space, levels)[1]}
        return replace(self, fixed=fixed)  # type: ignore[type-var]

    def with_goals(self, goals: Sequence[Goal]) -> Self:
        """This task judged by further numbers, beside its metric.

        Raises:
            TaskError: where the metric is among them, or one comes twice.
        """
        names = [goal.name for goal in goals]
        if self.metric in names or len(set(names)) < len(names):
            raise TaskError(
                f"task {self.name!r}: goals {', '.join(names)}; expected other numbers than the metric, each once"
            )
        return replace(self, goals=tuple(goals))  # type: ignore[type-var]

    def with_thresholds(self, thresholds: Mapping[str, Any]) -> Self:
        """This task with other thresholds of some symptoms.

        Raises:
            TaskError: for an unknown symptom, or a threshold that is no number.
        """
        known = {symptom.name: symptom.threshold for symptom in all_symptoms()}
        unknown = sorted(set(thresholds) - set(known))
        if unknown:
            raise TaskError(f"there is no symptom {unknown}; known: {', '.join(known)}")
        typed = {
            name: as_type_of(known[name], value, f"task {self.name!r}: threshold of {name}")
            for name, value in thresholds.items()
        }
        return replace(self, thresholds={**self.thresholds, **typed})  # type: ignore[type-var]

    def with_changes(self, factors: Sequence[Factor], anatomy: Mapping[str, Any]) -> Self:
        """This task with interventions as further factors.

        Args:
            factors: their factors.
            anatomy: of a run as written.

        Raises:
            SpaceError: where one has the name of a factor of the task.
        """
        names = tuple(factor.name for factor in factors)
        return replace(  # type: ignore[type-var]
            self, factors=(*self.factors, *factors), changes=Changes(names, dict(anatomy))
        )

    def divided(self, levels: Levels) -> tuple[dict[str, Any], dict[str, str]]:
        """(what a training gets, what is done to it from outside) of the levels of a run."""
        names = self.changes.names
        own = {name: level for name, level in levels.items() if name not in names}
        return own, {name: str(level) for name, level in levels.items() if name in names}

    def levels(self, config: Levels) -> dict[str, Any]:
        """What a run receives for a config of `space`: the fixed levels as well, and the components of composites."""
        return self.whole_space.expand(self.whole_space.repair({**self.fixed, **config}, {}))
