"""The search space: a task's factors with their conditions.

Pure values: nothing here samples, trains, or knows Ray, Optuna or torch. The conversion of a space to
a screening design or to an Optuna study lives with the stage that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backtrack.errors import SpaceError
from backtrack.vocabulary.config import Config, Level, label
from backtrack.vocabulary.factors import (
    Categorical,
    Composite,
    Factor,
    Numeric,
    describe_levels,
    reference,
)


@dataclass(frozen=True)
class SearchSpace:
    """A task's factors with their conditions.

    Args:
        factors: in any order; a condition may point at any other factor, but not in a circle.

    Raises:
        SpaceError: for repeated names, conditions on unknown factors or levels, circles, and claims about
            levels that do not exist.

    Example:
        >>> space = SearchSpace((
        ...     Categorical("optimiser", ["sgd", "adam"]),
        ...     Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]}),
        ... ))
        >>> dict(space.repair({"optimiser": "sgd"}, {}))
        {'momentum': 0.0, 'optimiser': 'sgd'}
        >>> dict(space.repair({"optimiser": "adam", "momentum": 0.9}, {}))
        {'optimiser': 'adam'}
    """

    factors: tuple[Factor, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        for factor in self.factors:
            if not isinstance(factor, (Categorical, Numeric, Composite)):
                raise SpaceError(
                    f"{factor!r} is not a factor; expected Categorical, Numeric or Composite from backtrack"
                )
        names = [factor.name for factor in self.factors]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise SpaceError(f"the search space names {repeated} twice; give every factor its own name")
        for factor in self.factors:
            self._check_condition(factor)
            self._check_claims(factor)
        object.__setattr__(self, "factors", self._parents_first())

    def _check_condition(self, factor: Factor) -> None:
        names = [other.name for other in self.factors]
        for parent, levels in (factor.when or {}).items():
            if parent not in names:
                raise SpaceError(
                    f"factor {factor.name!r} depends on {parent!r}, which is not in the space; known: {names}"
                )
            owner = self[parent]
            if isinstance(owner, Numeric):
                raise SpaceError(
                    f"factor {factor.name!r} depends on the numeric factor {parent!r}; expected a condition on "
                    "levels of a categorical one: make a categorical factor of it"
                )
            for level in levels:
                if not owner.contains(level):
                    raise SpaceError(
                        f"factor {factor.name!r} depends on {parent}={level!r}, which {parent!r} never takes; "
                        f"its levels: {list(owner.levels)}"
                    )

    def _check_claims(self, factor: Factor) -> None:
        for claim in factor.claims:
            for level in (claim.level, claim.against):
                if not factor.contains(level):
                    raise SpaceError(f"a claim about factor {factor.name!r} names {level!r}, which it never takes")
            if label(claim.level) == label(claim.against):
                raise SpaceError(f"a claim about factor {factor.name!r} compares {label(claim.level)} with itself")
            if claim.of and claim.response != "gain":
                raise SpaceError(
                    f"a claim about factor {factor.name!r} is of {claim.of!r} and on {claim.response}; expected "
                    "response 'gain' for a claim about another number than the metric"
                )
            # A task may share a factor without the others that a claim about it names: it is then not judged.
            known = {own.name for own in self.factors}
            for name, level in claim.where.items():
                if name in known and not self[name].contains(level):
                    raise SpaceError(
                        f"a claim about factor {factor.name!r} holds where {name}={level!r}, which {name} never takes; "
                        f"expected one of {describe_levels(self[name])}"
                    )

    def _parents_first(self) -> tuple[Factor, ...]:
        placed: list[Factor] = []
        waiting = list(self.factors)
        while waiting:
            ready = [f for f in waiting if all(p in [q.name for q in placed] for p in (f.when or {}))]
            if not ready:
                raise SpaceError(
                    f"the conditions of {[f.name for f in waiting]} depend on each other in a circle; "
                    "at least one of them must be unconditional"
                )
            placed.extend(ready)
            waiting = [f for f in waiting if f not in ready]
        return tuple(placed)

    def __getitem__(self, name: str) -> Factor:
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise SpaceError(f"unknown factor {name!r}; the space has {[factor.name for factor in self.factors]}")

    def __iter__(self) -> Iterator[Factor]:
        return iter(self.factors)

    def is_active(self, factor: Factor, levels: Mapping[str, Any]) -> bool:
        """Whether `factor` exists under `levels`: its parents are present and at one of the named levels."""
        return all(
            levels.get(parent) is not None and any(levels[parent] == allowed for allowed in allowed_levels)
            for parent, allowed_levels in (factor.when or {}).items()
        )

    def config(self, levels: Mapping[str, Any]) -> Config:
        """A checked config: every active factor present and at a level that it takes, nothing else.

        Raises:
            SpaceError: naming the factor that is missing, unknown, inactive or out of range.
        """
        unknown = sorted(set(levels) - {factor.name for factor in self.factors})
        if unknown:
            raise SpaceError(f"unknown factors {unknown}; the space has {[factor.name for factor in self.factors]}")
        for factor in self.factors:
            level = levels.get(factor.name)
            if not self.is_active(factor, levels):
                if level is not None:
                    raise SpaceError(f"{factor.name}={label(level)}, but it exists only when {dict(factor.when or {})}")
            elif level is None:
                raise SpaceError(f"factor {factor.name!r} has no level, although it is active here")
            elif not factor.contains(level):
                raise SpaceError(
                    f"{factor.name}={level!r} is not one of its levels; expected {describe_levels(factor)}"
                )
        # Equal levels are one level, however they were spelled: 1 and 1.0 must not make two configs.
        return Config({name: self[name].own(level) for name, level in levels.items() if level is not None})

    def repair(self, levels: Mapping[str, Any], donor: Mapping[str, Any]) -> Config:
        """`levels` made valid: inactive factors dropped, missing ones taken from `donor` or their reference."""
        fixed: dict[str, Any] = {}
        for factor in self.factors:
            if self.is_active(factor, fixed):
                own = levels.get(factor.name)
                own = donor.get(factor.name) if own is None else own
                fixed[factor.name] = reference(factor) if own is None else own
        return self.config(fixed)

    def expand(self, config: Mapping[str, Level]) -> dict[str, Level]:
        """What a task receives: the levels, and for a composite `NAME.COMPONENT` with each component's value."""
        full = dict(config)
        for factor in self.factors:
            if isinstance(factor, Composite) and factor.name in config:
                for component, value in factor.parts(str(config[factor.name])).items():
                    full[f"{factor.name}.{component}"] = value
        return full

    @property
    def scientific(self) -> tuple[Factor, ...]:
        """The factors that the sweep asks about."""
        return tuple(factor for factor in self.factors if factor.role == "scientific")
