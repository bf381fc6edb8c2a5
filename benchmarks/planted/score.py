"""How right an analysis is: its answers against a problem's truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Self

import numpy as np
from problems import Condition, Problem

from backtrack.evidence.analysis import Analysis
from backtrack.vocabulary.config import label
from backtrack.vocabulary.factors import Numeric

# A threshold counts as found within this share of its scale's length (in logs where it is log).
THRESHOLD_TOLERANCE = 0.1


class Counts:
    """Dataclasses of counts that add up over problems."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))  # type: ignore[arg-type]


@dataclass
class Ranking(Counts):
    """What a ranking without a decision is worth.

    It is granted the most generous decision: the number of truly active factors k is told to it, and its first k count
    as called active.

    Args:
        asked: truly active factors among those that are ranked: k.
        hits: how many of the first k are truly active: hits / asked is the recall, and the precision.
        inverted: sweeps in which an inert factor comes before an active one.
        problems: how many.
    """

    asked: int = 0
    hits: int = 0
    inverted: int = 0
    problems: int = 0


@dataclass
class Score(Counts):
    """Counts that add up over problems.

    Args:
        active, found: truly active factors (gain), and how many of them were called active.
        called, wrong: factors called active (gain), and how many of them are inert.
        ranked: the same answers as a bare ranking of all factors, to be compared with importance tools.
        pairs, pairs_found, pairs_called, pairs_wrong: the same for interactions.
        pairs_hidden: interactions that no training shows, since too many of their levels fail (`hidden`).
        failing, failing_found, failing_called, failing_wrong: the same for factors of failure (response failure).
        causes_claimed: causes called verified on problems where failures are chance.
        rules, rules_right: dominant failure rules, and how many were named exactly by the first rule of their outcome.
        intervals, covered: effects with an interval, and how many intervals hold the true range of level means.
        alarmed, failure_alarmed: whether anything was called active (gain; failure): for problems where nothing is.
        regret: true distance of the config called best from the optimum, in standard deviations of the noise.
    """

    active: int = 0
    found: int = 0
    called: int = 0
    wrong: int = 0
    pairs: int = 0
    pairs_found: int = 0
    pairs_called: int = 0
    pairs_wrong: int = 0
    pairs_hidden: int = 0
    failing: int = 0
    failing_found: int = 0
    failing_called: int = 0
    failing_wrong: int = 0
    causes_claimed: int = 0
    rules: int = 0
    rules_right: int = 0
    intervals: int = 0
    covered: int = 0
    alarmed: int = 0
    failure_alarmed: int = 0
    regret: float = 0.0
    problems: int = 0
    ranked: Ranking = field(default_factory=Ranking)


def ranked(order: Sequence[str], active: AbstractSet[str]) -> Ranking:
    """Scores one ranking of factors, the first the most important."""
    truth = active & set(order)
    first_inert = next((place for place, name in enumerate(order) if name not in truth), len(order))
    return Ranking(len(truth), len(truth & set(order[: len(truth)])), int(first_inert < len(truth)), 1)


def surest_first(analysis: Analysis) -> list[str]:
    """All factors, by their least adjusted p-value in the report, for gain or failure; ties by their own p."""
    sure: dict[str, tuple[float, float]] = {}
    for response in (analysis.responses["gain"], analysis.responses["failure"]):
        said = [(effect.factor.name, (effect.p_adjusted, effect.p)) for effect in response.factors]
        said += [(name, (i.p_adjusted, 1.0)) for i in response.interactions for name in (i.factor_a, i.factor_b)]
        for name, p in said:
            sure[name] = min(sure.get(name, (1.0, 1.0)), p)
    return sorted(sure, key=lambda name: sure[name])


def score(problem: Problem, analysis: Analysis, noise: float) -> Score:
    """Scores one analysis; see `Score`."""
    gain = analysis.responses["gain"]
    called = {effect.factor.name for effect in gain.factors if effect.verdict == "active"}
    pairs = {tuple(sorted((i.factor_a, i.factor_b))) for i in gain.interactions if i.verdict == "active"}
    truth = {tuple(sorted(pair)) for pair in problem.pairs}
    blamed = {effect.factor.name for effect in analysis.responses["failure"].factors if effect.verdict == "active"}
    found = Score(
        active=len(problem.active),
        found=len(called & problem.active),
        called=len(called),
        wrong=len(called - problem.active),
        pairs=len(truth),
        pairs_found=len(pairs & truth),
        pairs_called=len(pairs),
        pairs_wrong=len(pairs - truth),
        pairs_hidden=sum(hidden(problem, *pair) for pair in truth - pairs),
        failing=len(problem.failing),
        failing_found=len(blamed & problem.failing),
        failing_called=len(blamed),
        failing_wrong=len(blamed - problem.failing),
        alarmed=int(bool(called | pairs)),
        failure_alarmed=int(bool(blamed)),
        problems=1,
        ranked=ranked(surest_first(analysis), problem.active | problem.failing),
    )
    for effect in gain.factors:
        if math.isfinite(effect.effect):
            found.intervals += 1
            found.covered += effect.low - 1e-9 <= true_range(problem, effect.factor.name) <= effect.high + 1e-9
    found.causes_claimed = 0 if problem.rules else sum(one.cause.verified for one in analysis.causes)
    if problem.rules:
        dominant = problem.rules[0]
        named = [
            one.cause.cause
            for one in analysis.causes
            if one.cause.outcome == dominant.outcome and not one.cause.refuted
        ]
        found.rules = 1
        found.rules_right = int(bool(named) and same_rule(problem, named[0], dominant.conditions))
    if analysis.best is not None:
        found.regret = (problem.mean(analysis.best["config"]) - problem.best_mean()) / noise
    return found


def hidden(problem: Problem, a: str, b: str) -> bool:
    """Whether the failure rules leave no two levels of each factor that train together in all four combinations."""
    grid = [(left, right) for left in problem.space[a].levels for right in problem.space[b].levels]  # type: ignore[union-attr]
    trains = {cell for cell in grid if not any(rule.holds({a: cell[0], b: cell[1]}) for rule in problem.rules)}
    rows, columns = ({cell[side] for cell in trains} for side in (0, 1))
    squares = (
        {(left, right) for left in two for right in other}
        for two in combinations(rows, 2)
        for other in combinations(columns, 2)
    )
    return not any(square <= trains for square in squares)


def true_range(problem: Problem, name: str) -> float:
    """The true difference between the best and the worst level mean of a factor."""
    if name in problem.curves:
        height, optimum = problem.curves[name]
        return height * max(optimum, 1 - optimum) ** 2
    effects = problem.main.get(name)
    return float(np.ptp(list(effects.values()))) if effects else 0.0


def same_rule(problem: Problem, cause: tuple[str, ...], conditions: tuple[Condition, ...]) -> bool:
    """Whether a named cause is exactly a true rule; a component counts through the level that has it."""
    if len(cause) != len(conditions):
        return False
    return all(any(_same(problem, part, condition) for part in cause) for condition in conditions)


def _same(problem: Problem, part: str, condition: Condition) -> bool:
    if condition.sign == "=":
        names = {f"{condition.factor}={label(condition.level)}"}
        if "." in condition.factor:
            names.add(f"{condition.factor.split('.')[0]}=fancy")
        return part in names
    name, sign, threshold = part.partition(condition.sign)
    if not sign or name != condition.factor:
        return False
    factor = problem.space[name]
    assert isinstance(factor, Numeric)
    return abs(factor.share(float(threshold)) - factor.share(condition.level)) <= THRESHOLD_TOLERANCE
