"""Planted problems as people's bugs are: each kind by its name, with the regions that truly fail.

A problem is drawn from its kind and a seed. About ten factors: categorical ones of two to four levels, one
whose levels are numbers, one with a level named "-", a conditional one, two numeric ones. Three
change the error; noise and failures by chance are as in `problems.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from problems import CHANCE, EPOCHS, NOISE, Problem, digest, main_effects

from backtrack import Categorical, FunctionTask, Numeric, SearchSpace
from backtrack.vocabulary.factors import Factor

Levels = Mapping[str, Any]
Region = Callable[[Levels], bool]
# What a training ends in: an outcome, the text of an exception, or None where it trains.
Fate = Callable[[Levels, np.random.Generator], str | None]


@dataclass(frozen=True)
class Case:
    """A problem of one kind.

    Args:
        kind, seed: it was drawn from.
        effects: what changes the error of configs that train.
        causes: the regions that truly fail, each of one cause.
        fate: what becomes of a training.
        noise: "normal", "heavy" (t with two degrees of freedom) or "disasters" (one run in twelve ends thrice as bad).
        base_rate: probability that any training fails by chance.
    """

    kind: str
    seed: int
    effects: Problem
    causes: tuple[Region, ...]
    fate: Fate
    noise: str = "normal"
    base_rate: float = 0.0

    def run(self, config: Levels, seed: int) -> Iterator[dict[str, float]]:
        """The black box."""
        rng = np.random.default_rng([self.seed, seed, int(digest(config), 16)])
        end = self.fate(config, rng)
        if end is None and rng.random() < self.base_rate:
            end = "no_learning"
        final = self.effects.mean(config) + self._noise(rng)
        if end is not None and ": " in end:
            kind, _, text = end.partition(": ")
            raise {"KeyError": KeyError, "ValueError": ValueError}[kind](f"{text} {rng.integers(1000)}")
        for epoch in range(1, EPOCHS + 1):
            if end == "no_learning":
                yield {"error": CHANCE + rng.normal(0, 0.004)}
            elif end == "diverged" and epoch > 2:
                yield {"error": float("nan")}
            else:
                done = (1 - math.exp(-3 * epoch / EPOCHS)) / (1 - math.exp(-3))
                yield {"error": CHANCE + (final - CHANCE) * done}

    def _noise(self, rng: np.random.Generator) -> float:
        if self.noise == "heavy":
            return float(np.clip(NOISE / 2 * rng.standard_t(2), -0.3, 0.4))
        return float(rng.normal(0, NOISE) + (0.4 if self.noise == "disasters" and rng.random() < 1 / 12 else 0.0))

    def task(self) -> FunctionTask:
        """The problem as a task; it knows nothing of the truth but through `run`."""
        return FunctionTask(
            name=f"{self.kind}{self.seed}".replace(" ", ""),
            run=self.run,
            metric="error",
            mode="min",
            chance=CHANCE,
            factors=self.effects.space.factors,
        )


def draw_case(kind: str, seed: int) -> Case:
    """A random problem of a kind.

    Args:
        kind: a name of `KINDS`.
        seed: of the problem.
    """
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind), 31])
    factors: list[Factor] = [
        Categorical(f"f{number}", [f"l{level}" for level in range(int(rng.integers(2, 5)))]) for number in range(4)
    ]
    factors += [Categorical("wide", ["w0", "w1", "w2", "w3"]), Categorical("fraction", [0.3, 0.5, 0.8, 1.0])]
    factors += [Categorical("extra", ["-", "a", "b"]), Categorical("inner", ["i0", "i1"], when={"f0": ["l0"]})]
    factors += [Numeric("size", 8, 512, log=True), Numeric("lr", 1e-4, 1e-1, log=True, role="nuisance")]
    space = SearchSpace(tuple(factors))
    main = {str(name): main_effects(rng, space[str(name)]) for name in rng.choice(["f1", "f2", "f3", "wide"], 3, False)}
    curves = {"lr": (float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.4, 0.6)))}
    causes, fate, noise = KINDS[kind](rng, space)
    base_rate = float(rng.choice([0.0, 0.02]))
    return Case(kind, seed, Problem(seed, space, main, curves), causes, fate, noise, base_rate)


Made = tuple[tuple[Region, ...], Fate, str]


def _always(region: Region, outcome: str, rate: float = 0.95) -> Fate:
    return lambda levels, rng: outcome if region(levels) and rng.random() < rate else None


def _share(space: SearchSpace, name: str, levels: Levels) -> float:
    factor = space[name]
    assert isinstance(factor, Numeric)
    return factor.share(levels[name])


def _set_of_levels(rng: np.random.Generator, space: SearchSpace) -> Made:
    bad = set(rng.choice(["w0", "w1", "w2", "w3"], 2, False).tolist())

    def region(levels: Levels) -> bool:
        return levels["wide"] in bad

    return (region,), _always(region, "diverged"), "normal"


def _set_and_level(rng: np.random.Generator, space: SearchSpace) -> Made:
    bad, other = set(rng.choice(["w0", "w1", "w2", "w3"], 2, False).tolist()), str(rng.choice(["l0", "l1"]))

    def region(levels: Levels) -> bool:
        return levels["wide"] in bad and levels["f1"] == other

    return (region,), _always(region, "diverged"), "normal"


def _number_levels(rng: np.random.Generator, space: SearchSpace) -> Made:
    limit, other = float(rng.choice([0.8, 1.0])), str(rng.choice(["l0", "l1"]))

    def region(levels: Levels) -> bool:
        return levels["fraction"] < limit and levels["f2"] == other

    return (region,), _always(region, "ValueError: rows that are left:", 1.0), "normal"


def _rare_threshold(rng: np.random.Generator, space: SearchSpace) -> Made:
    limit = float(rng.uniform(0.87, 0.92))

    def region(levels: Levels) -> bool:
        return _share(space, "lr", levels) > limit

    return (region,), _always(region, "diverged", 0.75), "normal"


def _two_ends(rng: np.random.Generator, space: SearchSpace) -> Made:
    low, high = float(rng.uniform(0.1, 0.2)), float(rng.uniform(0.8, 0.9))

    def below(levels: Levels) -> bool:
        return _share(space, "lr", levels) < low

    def above(levels: Levels) -> bool:
        return _share(space, "lr", levels) > high

    def fate(levels: Levels, rng: np.random.Generator) -> str | None:
        if above(levels):
            return "diverged" if rng.random() < 0.8 else None
        return "no_learning" if below(levels) and rng.random() < 0.9 else None

    return (below, above), fate, "normal"


def _corner(rng: np.random.Generator, space: SearchSpace) -> Made:
    first, second = float(rng.uniform(0.7, 0.8)), float(rng.uniform(0.65, 0.75))

    def region(levels: Levels) -> bool:
        return _share(space, "lr", levels) > first and _share(space, "size", levels) > second

    return (region,), _always(region, "diverged", 1.0), "normal"


def _several_outcomes(rng: np.random.Generator, space: SearchSpace) -> Made:
    bad, middle = str(rng.choice(["l0", "l1"])), float(rng.uniform(0.4, 0.6))

    def region(levels: Levels) -> bool:
        return levels["f3"] == bad

    def fate(levels: Levels, rng: np.random.Generator) -> str | None:
        if not region(levels) or rng.random() > 0.95:
            return None
        return "diverged" if _share(space, "lr", levels) > middle else "no_learning"

    return (region,), fate, "normal"


def _amplifier(rng: np.random.Generator, space: SearchSpace) -> Made:
    bad, worse = str(rng.choice(["l0", "l1"])), str(rng.choice(["l0", "l1"]))

    def region(levels: Levels) -> bool:
        return levels["f3"] == bad

    def fate(levels: Levels, rng: np.random.Generator) -> str | None:
        rate = 0.9 if levels["f2"] == worse else 0.4
        return "no_learning" if region(levels) and rng.random() < rate else None

    return (region,), fate, "normal"


def _child(rng: np.random.Generator, space: SearchSpace) -> Made:
    bad = str(rng.choice(["i0", "i1"]))

    def region(levels: Levels) -> bool:
        return levels.get("inner") == bad

    return (region,), _always(region, "no_learning"), "normal"


def _dash(rng: np.random.Generator, space: SearchSpace) -> Made:
    def region(levels: Levels) -> bool:
        return levels["extra"] == "-"

    return (region,), _always(region, "no_learning"), "normal"


def _crash_kinds(rng: np.random.Generator, space: SearchSpace) -> Made:
    first, second = str(rng.choice(["l0", "l1"])), str(rng.choice(["w0", "w1", "w2", "w3"]))

    def one(levels: Levels) -> bool:
        return levels["f1"] == first and levels["fraction"] > 0.5

    def other(levels: Levels) -> bool:
        return levels["wide"] == second

    def fate(levels: Levels, rng: np.random.Generator) -> str | None:
        if other(levels):
            return "KeyError: column"
        return "ValueError: expected rows" if one(levels) else None

    return (one, other), fate, "normal"


def _heavy_tails(rng: np.random.Generator, space: SearchSpace) -> Made:
    causes, fate, _ = _set_of_levels(rng, space)
    return causes, fate, "heavy"


def _disasters(rng: np.random.Generator, space: SearchSpace) -> Made:
    causes, fate, _ = _number_levels(rng, space)
    return causes, fate, "disasters"


KINDS: dict[str, Callable[[np.random.Generator, SearchSpace], Made]] = {
    "set of levels": _set_of_levels,
    "set and level": _set_and_level,
    "levels that are numbers": _number_levels,
    "rare threshold": _rare_threshold,
    "two ends": _two_ends,
    "corner": _corner,
    "several outcomes": _several_outcomes,
    "amplifier": _amplifier,
    "parent and child": _child,
    "level named -": _dash,
    "kinds of crash": _crash_kinds,
    "heavy tails": _heavy_tails,
    "disasters": _disasters,
}
