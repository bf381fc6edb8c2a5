"""Problems whose truth is known: random black boxes with active and inert factors, failure rules, and noise.

A problem is drawn from a seed. Its truth is kept beside it and never shown to the pipeline.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from backtrack import Categorical, Composite, FunctionTask, Numeric, SearchSpace
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Factor

EPOCHS = 6
CHANCE = 1.0
# The error of an average config that trains; effects are in its noise's standard deviations.
LEVEL = 0.5
NOISE = 0.03


@dataclass(frozen=True)
class Condition:
    """One part of a failure rule: a level of a factor (or component), or a threshold of a numeric one."""

    factor: str
    sign: str
    level: Any

    def holds(self, levels: Mapping[str, Any]) -> bool:
        """Whether it holds in a config (with its composites opened)."""
        value = levels.get(self.factor)
        if value is None:
            return False
        if self.sign == "=":
            return bool(value == self.level)
        return bool(value > self.level) if self.sign == ">" else bool(value < self.level)


@dataclass(frozen=True)
class FailureRule:
    """Under all `conditions`, a training ends in `outcome` with probability `rate`."""

    outcome: str
    conditions: tuple[Condition, ...]
    rate: float

    def holds(self, levels: Mapping[str, Any]) -> bool:
        """Whether every condition holds."""
        return all(condition.holds(levels) for condition in self.conditions)


@dataclass(frozen=True)
class Problem:
    """A planted problem.

    Args:
        seed: it was drawn from.
        space: the factors.
        main: `{factor: {level label: effect on the error}}`, sum zero over the levels.
        curves: `{numeric factor: (height, optimum as a share of its scale)}`: error grows by height · (distance)².
        pairs: `{(a, b): {(level, level): effect}}`, sum zero over rows and columns.
        rules: failure rules; the first is the dominant one.
        base_rate: probability that any training fails by chance.
        spread: `{factor: {level: factor of the noise}}`.
        luck: standard deviation of what all configs share by a seed.
        paces: `{factor: {level: factor of the epochs needed}}`.
    """

    seed: int
    space: SearchSpace
    main: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[str, tuple[float, float]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], dict[tuple[str, str], float]] = field(default_factory=dict)
    rules: tuple[FailureRule, ...] = ()
    base_rate: float = 0.0
    spread: dict[str, dict[str, float]] = field(default_factory=dict)
    luck: float = 0.0
    paces: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def active(self) -> set[str]:
        """Factors that change the error: by themselves, by a curve, or with another."""
        return set(self.main) | set(self.curves) | {name for pair in self.pairs for name in pair}

    @property
    def failing(self) -> set[str]:
        """Factors of the failure rules."""
        return {c.factor.split(".")[0] for rule in self.rules for c in rule.conditions}

    def mean(self, config: Mapping[str, Any]) -> float:
        """The expected final error of a config that trains."""
        total = LEVEL
        for name, effects in self.main.items():
            total += effects.get(label(config.get(name)), 0.0)
        for name, (height, optimum) in self.curves.items():
            factor = self.space[name]
            if isinstance(factor, Numeric) and config.get(name) is not None:
                total += height * ((factor.share(config[name]) - optimum) ** 2 - (optimum**2 - optimum + 1 / 3))
        for (a, b), effects in self.pairs.items():
            total += effects.get((label(config.get(a)), label(config.get(b))), 0.0)
        return total

    def best_mean(self) -> float:
        """The lowest expected error of any config that no rule makes fail, by enumeration of the named levels."""
        names = {*self.main, *(name for pair in self.pairs for name in pair), *self.failing}
        names |= {parent for name in names for parent in (self.space[name].when or {})}
        ordered = [factor.name for factor in self.space if factor.name in names]
        best = math.inf
        low = sum(-height * (optimum**2 - optimum + 1 / 3) for height, optimum in self.curves.values())
        for combination in product(*(_grid(self.space[name]) for name in ordered)):
            levels: dict[str, Any] = {}
            for name, level in zip(ordered, combination, strict=True):
                if self.space.is_active(self.space[name], levels):
                    levels[name] = level
            if not any(rule.holds(self.space.expand(levels)) for rule in self.rules):
                without = {name: level for name, level in levels.items() if name not in self.curves}
                best = min(best, self.mean(without) + low)
        return best

    def run(self, config: Mapping[str, Any], seed: int) -> Iterator[dict[str, float]]:
        """The black box."""
        plain = {name: level for name, level in config.items() if "." not in name}
        rng = np.random.default_rng([self.seed, seed, int(digest(plain), 16)])
        shared = np.random.default_rng([self.seed, seed, 7]).normal(0, self.luck) if self.luck else 0.0
        outcome = next((r.outcome for r in self.rules if r.holds(config) and rng.random() < r.rate), None)
        if outcome is None and rng.random() < self.base_rate:
            outcome = "no_learning"
        scale = NOISE
        pace = 1.0
        for name, factors in self.spread.items():
            scale *= factors.get(label(config.get(name)), 1.0)
        for name, factors in self.paces.items():
            pace *= factors.get(label(config.get(name)), 1.0)
        final = self.mean(plain) + shared + rng.normal(0, scale)
        for epoch in range(1, EPOCHS + 1):
            if outcome == "no_learning":
                yield {"error": CHANCE + rng.normal(0, 0.004)}
            elif outcome == "diverged" and epoch > 2:
                yield {"error": float("nan")}
            elif outcome == "collapsed" and epoch == EPOCHS:
                yield {"error": CHANCE}
            else:
                done = 1 - math.exp(-3 * epoch / EPOCHS / pace)
                whole = 1 - math.exp(-3 / pace)
                yield {"error": CHANCE + (final - CHANCE) * done / whole}

    def task(self) -> FunctionTask:
        """The problem as a task; it knows nothing of the truth but through `run`."""
        return FunctionTask(
            name=f"planted{self.seed}",
            run=self.run,
            metric="error",
            mode="min",
            chance=CHANCE,
            factors=self.space.factors,
        )


def draw(seed: int, inert: bool = False) -> Problem:
    """A random problem.

    About ten factors of two to four levels: one numeric nuisance with an optimum inside its interval, one more
    numeric factor, one conditional on a level of another, one composite. Main effects are one to four standard
    deviations of the noise wide, in a third to a half of the factors; up to two interactions; one or two failure
    rules of one level, two levels, a threshold, a threshold and a level, or a component; noise that differs by level;
    luck that is shared by seed.

    Args:
        seed: of the problem.
        inert: nothing is true: no effects and no rules, but noise, luck and failures by chance as above.
    """
    rng = np.random.default_rng([seed, 2024])
    factors: list[Factor] = [
        Categorical(f"f{number}", [f"l{level}" for level in range(int(rng.integers(2, 5)))])
        for number in range(int(rng.integers(6, 9)))
    ]
    parent = str(rng.choice([f.name for f in factors]))
    factors.append(Categorical("inner", ["i0", "i1"], when={parent: ["l0"]}))
    parts = {"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]}
    factors.append(Composite("mix", levels={"plain": dict.fromkeys(parts, "x"), "fancy": dict.fromkeys(parts, "y")}))
    factors.append(Numeric("size", 8, 512, log=True))
    factors.append(Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance"))
    space = SearchSpace(tuple(factors))
    spread = {}
    if rng.random() < 0.7:
        chosen = space[str(rng.choice([f.name for f in factors[:5]]))]
        spread[chosen.name] = {label(level): float(rng.uniform(0.6, 2.0)) for level in _grid(chosen)}
    luck = float(rng.uniform(0, 0.03))
    base_rate = float(rng.choice([0.0, 0.02, 0.05]))
    if inert:
        return Problem(seed, space, base_rate=max(base_rate, 0.02), spread=spread, luck=luck)
    names = [factor.name for factor in factors if factor.name not in ("lr", "size")]
    active = list(rng.choice(names, size=int(rng.integers(3, 6)), replace=False))
    main = {str(name): main_effects(rng, space[str(name)]) for name in active}
    curves = {"lr": (float(rng.uniform(2, 8) * NOISE * 4), float(rng.uniform(0.3, 0.7)))}
    if rng.random() < 0.5:
        curves["size"] = (float(rng.uniform(2, 6) * NOISE * 4), float(rng.uniform(0.2, 0.8)))
    categorical = [f.name for f in factors if isinstance(f, Categorical) and not f.when]
    pairs = {}
    for _ in range(int(rng.integers(0, 3))):
        a, b = sorted(rng.choice(categorical, size=2, replace=False).tolist())
        pairs[(a, b)] = _pair(rng, space[a], space[b])
    rules = _rules(rng, space, categorical, int(rng.integers(1, 3)))
    paces = {}
    if rng.random() < 0.5:
        chosen = space[str(rng.choice(categorical))]
        paces[chosen.name] = {label(level): float(rng.uniform(0.6, 1.8)) for level in _grid(chosen)}
    return Problem(seed, space, main, curves, pairs, rules, base_rate, spread, luck, paces)


def main_effects(rng: np.random.Generator, factor: Factor) -> dict[str, float]:
    names = [label(level) for level in _grid(factor)]
    raw = rng.normal(size=len(names))
    raw -= raw.mean()
    return dict(zip(names, raw / np.ptp(raw) * float(rng.uniform(1, 4)) * NOISE, strict=True))


def _pair(rng: np.random.Generator, left: Factor, right: Factor) -> dict[tuple[str, str], float]:
    rows, columns = [label(x) for x in _grid(left)], [label(x) for x in _grid(right)]
    raw = rng.normal(size=(len(rows), len(columns)))
    raw -= raw.mean(0)
    raw -= raw.mean(1, keepdims=True)
    raw *= float(rng.uniform(2, 4)) * NOISE / np.ptp(raw)
    return {(a, b): float(raw[i, j]) for i, a in enumerate(rows) for j, b in enumerate(columns)}


def _rules(rng: np.random.Generator, space: SearchSpace, names: list[str], count: int) -> tuple[FailureRule, ...]:
    rules: list[FailureRule] = []
    outcomes = rng.permutation(["no_learning", "diverged", "collapsed"])
    free = [str(name) for name in rng.permutation(names)]
    for number in range(count):
        kind = rng.choice(["one", "two", "threshold", "both", "component"])
        level = Condition(free[0], "=", rng.choice(_grid(space[free[0]])).item())
        lr = space["lr"]
        assert isinstance(lr, Numeric)
        high = Condition("lr", ">", lr.at(float(rng.uniform(0.65, 0.8))))
        if number and any(c.factor == "lr" for rule in rules for c in rule.conditions):
            kind = "two"
        if kind == "one":
            conditions: tuple[Condition, ...] = (level,)
        elif kind == "two":
            conditions = (level, Condition(free[1], "=", rng.choice(list(space[free[1]].levels)).item()))  # type: ignore[union-attr]
        elif kind == "threshold":
            conditions = (high,)
        elif kind == "both":
            conditions = (high, level)
        else:
            conditions = (Condition(f"mix.{rng.choice(['a', 'b', 'c'])}", "=", "y"),)
        free = free[2:]
        rules.append(FailureRule(str(outcomes[number]), conditions, float(rng.uniform(0.85, 1.0))))
    return tuple(rules)


def _grid(factor: Factor) -> list[Any]:
    if isinstance(factor, Numeric):
        return [factor.at(share) for share in np.linspace(0.02, 0.98, 9)]
    return list(factor.levels)


def digest(levels: Mapping[str, Any]) -> str:
    text = "|".join(f"{name}={label(levels[name])}" for name in sorted(levels))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
