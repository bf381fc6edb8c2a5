"""The vocabulary of a sweep: factors with levels, claims about them, conditions, configs.

Pure values: nothing here samples, trains, or knows Ray, Optuna or torch. The conversion of a space to
a screening design or to an Optuna study lives with the stage that needs it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.config import Config as Config
from pipeline.config import Level as Level
from pipeline.config import label as label
from pipeline.errors import SpaceError

Role = Literal["scientific", "nuisance"]
Response = Literal["failure", "gain", "gain_with_failures", "speed", "epoch_time"]
Expectation = Literal["better", "worse", "same"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Claim:
    """What a source says that a level of a factor does, in a form that data can contradict.

    The claim is the contrast "`level` instead of `against`, all else equal", judged on one response.
    No verdict is stored here; the analysis finds it.

    Args:
        text: the idea, in our own words.
        source: title of the post or paper.
        level: the level that the claim is about.
        against: the level that it is compared with.
        response: "gain" (final metric of those that trained), "gain_with_failures" (of all, failures at chance),
            "failure" (share of trainings that end in a dead end), "speed" (epochs to the target) or "epoch_time"
            (seconds an epoch).
        expect: "better" (higher gain, fewer failures, faster), "worse", or "same".
        where: levels of other factors under which the claim is made, e.g. `{"optimiser": "adam"}`.
        of: another number that the task reports, whose last value the gain is of; default: the metric.
    """

    text: str
    source: str
    level: Level
    against: Level
    response: Response = "gain"
    expect: Expectation = "better"
    where: Mapping[str, Level] = field(default_factory=dict)
    of: str = ""

    @property
    def on(self) -> str:
        """What it is judged on: the response, and of which number where that is not the metric."""
        return f"{self.response} of {self.of}" if self.of else self.response

    @property
    def contrast(self) -> str:
        """The comparison in one line, e.g. `reverse - forward | optimiser=adam`."""
        background = ", ".join(f"{name}={label(level)}" for name, level in self.where.items())
        return f"{label(self.level)} - {label(self.against)}" + (f" | {background}" if background else "")


@dataclass(frozen=True)
class _Factor:
    """What the three kinds of factor share; see `Categorical`, `Numeric`, `Composite`."""

    name: str

    def _check(self, role: str, when: Mapping[str, Sequence[Level]] | None, claims: Sequence[Claim]) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise SpaceError(
                f"factor name {self.name!r}: expected a name of letters, digits and underscores that does "
                "not start with a digit, since it becomes a column name; rename the factor"
            )
        if role not in ("scientific", "nuisance"):
            raise SpaceError(
                f"factor {self.name!r}: role {role!r} is not known; use 'scientific' (the sweep asks about it) "
                "or 'nuisance' (only tuned, such as a learning rate)"
            )
        for parent, levels in (when or {}).items():
            if isinstance(levels, str) or not isinstance(levels, Sequence) or not levels:
                raise SpaceError(
                    f"factor {self.name!r}: when[{parent!r}] is {levels!r}; expected a list of levels "
                    f"of {parent!r}, such as when={{{parent!r}: ['sgd']}}"
                )
        for claim in claims:
            if not isinstance(claim, Claim):
                raise SpaceError(f"factor {self.name!r}: {claim!r} is not a Claim; build it with pipeline.Claim(...)")


@dataclass(frozen=True)
class Categorical(_Factor):
    """A factor with a few named levels.

    Args:
        name: column name of the factor.
        levels: two or more distinct strings, numbers or booleans; the first is the reference.
        role: "scientific" (we ask about it) or "nuisance" (only adjusted for).
        when: `{other factor: levels}` under which this factor exists; absent elsewhere.
        claims: what sources say about it.
        description: one line for `backtrack factors`.

    Raises:
        SpaceError: for a bad name, fewer than two levels, repeated levels, or an unusable condition.
    """

    levels: Sequence[Level]
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.levels, str) or not isinstance(self.levels, Sequence):
            raise SpaceError(f"factor {self.name!r}: levels is {self.levels!r}; expected a list of levels")
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "claims", tuple(self.claims))
        self._check(self.role, self.when, self.claims)
        for level in self.levels:
            if not isinstance(level, (str, int, float, bool)):
                raise SpaceError(
                    f"factor {self.name!r}: level {level!r} is a {type(level).__name__}; "
                    "expected a string, number or boolean, so that it can be recorded"
                )
        labels = [label(level) for level in self.levels]
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise SpaceError(
                f"factor {self.name!r}: levels {labels}; expected two or more that differ; "
                "a factor that never changes belongs in the task, not in its search space"
            )

    def contains(self, level: Any) -> bool:
        """Whether `level` is one of this factor's levels (same type class and value)."""
        return any(level == own and isinstance(level, bool) == isinstance(own, bool) for own in self.levels)


@dataclass(frozen=True)
class Numeric(_Factor):
    """A factor that takes any value of an interval, such as a learning rate.

    Args:
        name: column name of the factor.
        low, high: the interval, both ends included; `0 < low` where `log`.
        log: whether it is spread evenly over orders of magnitude.
        integer: whether only whole numbers are taken.
        role, when, claims, description: as for `Categorical`.

    Raises:
        SpaceError: for an interval that is empty, not finite, or not positive where `log`.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", tuple(self.claims))
        self._check(self.role, self.when, self.claims)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SpaceError(
                f"factor {self.name!r}: the interval [{self.low}, {self.high}] is not usable; "
                "expected two finite numbers, the lower one first"
            )
        if self.log and self.low <= 0:
            raise SpaceError(
                f"factor {self.name!r}: log=True needs a positive lower end, found {self.low}; "
                "raise it above zero or leave log out"
            )

    def contains(self, level: Any) -> bool:
        """Whether `level` is a number of the interval."""
        if isinstance(level, bool) or not isinstance(level, (int, float)):
            return False
        return self.low <= level <= self.high and (not self.integer or float(level).is_integer())

    def at(self, share: float) -> Level:
        """The value at `share` (0 to 1) of the interval on its own scale, to six significant digits."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.integer else min(max(float(f"{value:.6g}"), self.low), self.high)

    def share(self, value: float) -> float:
        """The inverse of `at`: where `value` lies in the interval, 0 to 1 on its own scale."""
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Composite(_Factor):
    """A factor whose levels are made of components, such as an initialisation scheme.

    A sweep varies the named levels; backtracking opens them and mixes their components. A mixture is
    written as `component=value|component=value|...` with every component, in order.

    Args:
        name: column name of the factor.
        levels: `{level name: {component: value}}`; every level names every component.
        extra: `{component: values}` that no named level has, but mixtures may take.
        role, when, claims, description: as for `Categorical`.

    Raises:
        SpaceError: for fewer than two levels, or levels that do not name the same components.
    """

    levels: Mapping[str, Mapping[str, Level]]
    extra: Mapping[str, Sequence[Level]] | None = None
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", tuple(self.claims))
        self._check(self.role, self.when, self.claims)
        if not isinstance(self.levels, Mapping) or len(self.levels) < 2:
            raise SpaceError(
                f"factor {self.name!r}: expected two or more levels as {{level: {{component: value}}}}, "
                f"found {self.levels!r}"
            )
        first = list(next(iter(self.levels.values())))
        for level, parts in self.levels.items():
            if "|" in level or "=" in level:
                raise SpaceError(f"factor {self.name!r}: level name {level!r} must not contain '|' or '='")
            if sorted(parts) != sorted(first):
                raise SpaceError(
                    f"factor {self.name!r}: level {level!r} has the components {sorted(parts)}, the first "
                    f"level {sorted(first)}; expected every level to name the same components"
                )
            for component in parts:
                if not _NAME.match(component):
                    raise SpaceError(f"factor {self.name!r}: component name {component!r} is not usable as a name")

        unknown = sorted(set(self.extra or {}) - set(first))
        if unknown:
            raise SpaceError(f"factor {self.name!r}: extra names {unknown}, which are no components; it has {first}")

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components, in the order of the first level."""
        return tuple(next(iter(self.levels.values())))

    def choices(self, component: str) -> tuple[Level, ...]:
        """The values that `component` takes in some level, and its extra ones."""
        values = [parts[component] for parts in self.levels.values()] + list((self.extra or {}).get(component, ()))
        seen: dict[str, Level] = {label(value): value for value in values}
        return tuple(seen.values())

    def parts(self, level: str) -> dict[str, Level]:
        """The components of a named level or of a mixture.

        Raises:
            SpaceError: where `level` is neither.
        """
        if level in self.levels:
            return {name: self.levels[level][name] for name in self.components}
        found = dict(piece.split("=", 1) for piece in str(level).split("|") if "=" in piece)
        mixed: dict[str, Level] = {}
        for component in self.components:
            for choice in self.choices(component):
                if found.get(component) == label(choice):
                    mixed[component] = choice
        if len(mixed) < len(self.components) or len(found) != len(self.components):
            raise SpaceError(
                f"factor {self.name!r}: {level!r} is not a level; expected one of {list(self.levels)} or a mixture "
                + "|".join(f"{name}=..." for name in self.components)
            )
        return mixed

    def mixture(self, parts: Mapping[str, Level]) -> str:
        """The level made of `parts`: its name where it has one, else the mixture in canonical form."""
        for name, own in self.levels.items():
            if all(own[component] == parts[component] for component in self.components):
                return name
        return "|".join(f"{component}={label(parts[component])}" for component in self.components)

    def contains(self, level: Any) -> bool:
        """Whether `level` is a named level or a well-formed mixture."""
        try:
            self.parts(level)
        except SpaceError:
            return False
        return True


Factor = Categorical | Numeric | Composite


@dataclass(frozen=True)
class SearchSpace:
    """A task's factors with their conditions.

    Args:
        factors: in any order; a condition may point at any other factor, but not in a circle.

    Raises:
        SpaceError: for repeated names, conditions on unknown factors or levels, circles, and claims about
            levels that do not exist.
    """

    factors: tuple[Factor, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if not self.factors:
            raise SpaceError("the search space has no factors; expected at least one, there is nothing to sweep")
        for factor in self.factors:
            if not isinstance(factor, (Categorical, Numeric, Composite)):
                raise SpaceError(
                    f"{factor!r} is not a factor; expected Categorical, Numeric or Composite from pipeline"
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
                    "a claim of another number than the metric to be on its gain"
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
                raise SpaceError(f"{factor.name}={level!r} is not a level of it; expected {describe_levels(factor)}")
        return Config(levels)

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


def reference(factor: Factor) -> Level:
    """The level that a factor takes when nobody chose one: its first, or the middle of its interval."""
    if isinstance(factor, Numeric):
        return factor.at(0.5)
    return next(iter(factor.levels))


def describe_levels(factor: Factor) -> str:
    """The levels as one line: `sgd, adam` or `0.0001 to 0.1 (log)`."""
    if isinstance(factor, Numeric):
        scale = " (log)" if factor.log else ""
        return f"{label(factor.low)} to {label(factor.high)}{scale}"
    return ", ".join(label(level) for level in factor.levels)
