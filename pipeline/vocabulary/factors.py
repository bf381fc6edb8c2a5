"""Factors with their levels, and what sources claim about them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backtrack.errors import SpaceError
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.responses import GAIN, GAIN_WITH_FAILURES

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

    Example:
        >>> claim = Claim("reverse reads better", "a post", level="reverse", against="forward", where={"cell": "rnn"})
        >>> claim.contrast
        'reverse - forward | cell=rnn'
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

    def judged_on(self, known: Collection[str]) -> str:
        """The name of the response that it is judged on, of those that are `known`: without failures, gain with
        failures is the gain.
        """
        return GAIN if self.response == GAIN_WITH_FAILURES and self.on not in known else self.on

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
                f"factor {self.name!r}: unknown role {role!r}; use 'scientific' (the sweep asks about it) "
                "or 'nuisance' (the sweep only tunes it, such as a learning rate)"
            )
        for parent, levels in (when or {}).items():
            if isinstance(levels, str) or not isinstance(levels, Sequence) or not levels:
                raise SpaceError(
                    f"factor {self.name!r}: when[{parent!r}] is {levels!r}; expected a list of levels "
                    f"of {parent!r}, such as when={{{parent!r}: ['sgd']}}"
                )
        for claim in claims:
            if not isinstance(claim, Claim):
                raise SpaceError(f"factor {self.name!r}: {claim!r} is not a Claim; build it with backtrack.Claim(...)")


# Levels stand in tables, sentences and names of columns.
LONGEST_LEVEL = 200


def _plain(level: Any) -> Any:
    """A level as Python's own value: the numbers, booleans and texts of NumPy are read as such."""
    item = getattr(level, "item", None)
    return item() if callable(item) and getattr(level, "shape", None) == () else level


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
        was: of a factor that is new in a study that goes on: the level that its earlier runs had.

    Raises:
        SpaceError: for a bad name, fewer than two levels, repeated levels, or an unusable condition.

    Example:
        >>> momentum = Categorical("momentum", [0.0, 0.9], when={"optimiser": ["sgd"]})
        >>> momentum.contains(0.9), momentum.contains(0.5)
        (True, False)
    """

    levels: Sequence[Level]
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""
    was: Level | None = None

    def __post_init__(self) -> None:
        if isinstance(self.levels, str) or not isinstance(self.levels, Sequence):
            raise SpaceError(f"factor {self.name!r}: levels is {self.levels!r}; expected a list of levels")
        object.__setattr__(self, "levels", tuple(_plain(level) for level in self.levels))
        object.__setattr__(self, "claims", tuple(self.claims))
        self._check(self.role, self.when, self.claims)
        for level in self.levels:
            if isinstance(level, float) and math.isnan(level):
                raise SpaceError(
                    f"factor {self.name!r}: a level is nan, which equals nothing; expected a number, or a word such "
                    "as 'none'"
                )
            if isinstance(level, str) and len(level) > LONGEST_LEVEL:
                raise SpaceError(
                    f"factor {self.name!r}: the level {level[:40]!r}… has {len(level)} characters; expected at most "
                    f"{LONGEST_LEVEL}: use a short name, and look the text up in the training"
                )
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

    def own(self, level: Level) -> Level:
        """`level` as this factor spells it: the 1 of [1, 2] for 1.0."""
        return next(
            (own for own in self.levels if level == own and isinstance(level, bool) == isinstance(own, bool)), level
        )


@dataclass(frozen=True)
class Numeric(_Factor):
    """A factor that takes any value of an interval, such as a learning rate.

    Args:
        name: column name of the factor.
        low, high: the interval, both ends included; `0 < low` where `log`.
        log: whether it is spread evenly over orders of magnitude.
        integer: whether only whole numbers are taken.
        role, when, claims, description, was: as for `Categorical`.

    Raises:
        SpaceError: for an interval that is empty, not finite, or not positive where `log`.

    Example:
        >>> lr = Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance")
        >>> lr.at(0.0), lr.at(0.5), lr.at(1.0)
        (0.0001, 0.00316228, 0.1)
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""
    was: Level | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", tuple(self.claims))
        self._check(self.role, self.when, self.claims)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SpaceError(
                f"factor {self.name!r}: the interval [{self.low}, {self.high}] is not usable; "
                "expected two finite numbers, the lower one first"
            )
        if self.integer and math.ceil(self.low) > math.floor(self.high):
            raise SpaceError(
                f"factor {self.name!r}: no whole number lies in [{self.low}, {self.high}]; widen the interval, or "
                "leave integer out"
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
        if self.integer:
            return min(max(round(value), math.ceil(self.low)), math.floor(self.high))
        return min(max(float(f"{value:.6g}"), self.low), self.high)

    def own(self, level: Level) -> Level:
        """`level` as this factor spells it: a float, or a whole number where `integer`."""
        return int(level) if self.integer else float(level)

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
        role, when, claims, description, was: as for `Categorical`.

    Raises:
        SpaceError: for fewer than two levels, or levels that do not name the same components.

    Example:
        >>> init = Composite("init", {
        ...     "default": {"embedding": "normal", "cell": "uniform"},
        ...     "heuristic": {"embedding": "uniform", "cell": "orthogonal"},
        ... })
        >>> init.parts("heuristic")["cell"], init.mixture({"embedding": "uniform", "cell": "uniform"})
        ('orthogonal', 'embedding=uniform|cell=uniform')
    """

    levels: Mapping[str, Mapping[str, Level]]
    extra: Mapping[str, Sequence[Level]] | None = None
    role: Role = "scientific"
    when: Mapping[str, Sequence[Level]] | None = None
    claims: Sequence[Claim] = ()
    description: str = ""
    was: Level | None = None

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

    def own(self, level: Level) -> Level:
        """`level` as this factor spells it."""
        return level

    def contains(self, level: Any) -> bool:
        """Whether `level` is a named level or a well-formed mixture."""
        try:
            self.parts(level)
        except SpaceError:
            return False
        return True


Factor = Categorical | Numeric | Composite


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
