"""Which factors change a response, by how much, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import stats

from backtrack.evidence.effects.coding import Term, term_of
from backtrack.evidence.effects.interactions import InteractionEffect
from backtrack.evidence.effects.model import Model, build_model
from backtrack.evidence.effects.relevance import variance_share
from backtrack.evidence.frame import Floats
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.linear import Added, contrast, independent, wald
from backtrack.evidence.statistics.normal import NORMAL_95
from backtrack.vocabulary.factors import Factor, Numeric


@dataclass(frozen=True)
class LevelMean:
    """A level's adjusted mean: what the response would be, on average over the levels of all other factors.

    Args:
        level: as text; `a to b` for a slice of a numeric scale.
        mean, low, high: estimate and 95 % interval, in the response's own scale.
        runs: how many runs have that level.
    """

    level: str
    mean: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class FactorEffect:
    """What a factor does to a response.

    Args:
        factor: which.
        effect, low, high: largest difference between two of its level means, with its 95 % interval.
        p: of "no difference between any of its levels" (robust F-test).
        p_adjusted: the same, Holm over all factors asked of this response.
        verdict: active, inactive or undecided; of runs that results chose, "goes with" in the place of active.
        runs: how many runs the factor was active in.
        runs_to_decide: further runs that would decide it, about; None where it is decided.
        best_level: the level with the best mean.
        levels: all level means.
        statement: what cannot be known, and why; empty where everything can.
        partners: where it is active through interactions only, the factors that its effect depends on.
        best_said: how its best level came about, where that is not by its own mean; else empty.
        twins: what it changed together with in every run, so that nobody can tell them apart; mostly empty.
        robust: the same difference by a fit that far runs hardly move; NaN where tails are not heavy.
    """

    factor: Factor
    effect: float
    low: float
    high: float
    p: float
    p_adjusted: float
    verdict: str
    runs: int
    runs_to_decide: int | None
    best_level: str
    levels: tuple[LevelMean, ...] = ()
    statement: str = ""
    partners: tuple[str, ...] = ()
    best_said: str = ""
    twins: tuple[str, ...] = ()
    robust: float = math.nan


def terms_of(response: Response) -> tuple[list[Term], dict[str, str]]:
    """The factors that can be asked about, and for the others what keeps them from it."""
    terms, silent = [], {}
    for factor in response.frame.space:
        term = term_of(response.frame, factor) if len(response.frame) else None
        if term is None:
            silent[factor.name] = "only one of its levels was observed in these runs"
        else:
            terms.append(term)
    return terms, silent


@dataclass(frozen=True)
class FactorTest:
    """A factor with the model that it is judged in, and the p-value of "no difference between its levels".

    Args:
        term: the factor.
        model: None where no model holds it.
        p: 1 without a model.
        silent: why no model holds it, or empty.
        added: its coefficients where they are not the model's own (`few_runs`).
    """

    term: Term
    model: Model | None
    p: float
    silent: str = ""
    added: Added | None = None


def tests_of(response: Response, model: Model | None, terms: Sequence[Term]) -> list[FactorTest]:
    """The test of every factor.

    Args:
        response: what is asked.
        model: all factors at once; where it could not be fitted, each factor is judged by itself, which the
            randomised design allows, at the price of wider intervals.
        terms: the factors.
    """
    tests = []
    for term in terms:
        own = model if model is not None and model.holds(term.name) else build_model(response, [term])
        silent = ""
        if own is None:
            runs = int(term.counts.sum())
            silent = f"{runs} runs are too few to say anything about {len(term.points)} levels"
        elif not own.holds(term.name):
            own, silent = None, "each of its levels had seeds of its own, and cannot be told from their luck"
        tests.append(FactorTest(term, own, _p_of(term, own), silent))
    return tests


def factor_effects(
    tests: Sequence[FactorTest],
    adjusted: Sequence[float],
    pairs: Sequence[InteractionEffect],
    model: Model | None,
    levels: tuple[float, float],
    margin: float,
    said: Sequence[str],
) -> list[FactorEffect]:
    """The effect of every factor on a response, ranked: active ones first, then by size.

    A factor that takes part in an active interaction is active, whatever its average over the other's levels.

    Args:
        tests: of `tests_of`.
        adjusted: their p-values, adjusted over all questions asked of the response.
        pairs: the response's interactions, with their verdicts.
        model: all factors at once, or None.
        levels: error rate of the verdicts, and of those that further runs would bring.
        margin: equivalence margin, as a share of the run-to-run standard deviation.
        said: a statement for each test, or empty.
    """
    terms = [test.term for test in tests]
    effects = []
    for test, p_adjusted, statement in zip(tests, adjusted, said, strict=True):
        effect = _effect(test, float(p_adjusted), levels, margin)
        if statement and test.model is not None:
            effect = replace(effect, statement=statement)
        own = test.term.name
        partners = [pair for pair in pairs if pair.verdict == "active" and own in (pair.factor_a, pair.factor_b)]
        if partners and effect.verdict != "active":
            others = tuple(sorted({name for pair in partners for name in (pair.factor_a, pair.factor_b)} - {own}))
            effect = replace(
                effect,
                verdict="active",
                p_adjusted=min(pair.p_adjusted for pair in partners),
                runs_to_decide=None,
                partners=others,
                statement=f"active through its interaction with {', '.join(others)}; on average over it nothing is "
                "shown",
            )
        twins = () if test.silent else _twins(test.term, terms, model)
        if twins:
            # Whatever it seems to do by itself may be the other's doing: no verdict.
            effect = replace(
                effect,
                verdict="undecided",
                runs_to_decide=None,
                twins=twins,
                statement=f"it changed together with {', '.join(twins)} in every run and cannot be told from it; vary "
                "them apart",
            )
        effects.append(effect)
    return ranked(effects)


# Of a factor whose runs nothing shows to be chosen beforehand: it changes with the response. No verdict.
GOES_WITH = "goes with"
# A curve whose interval lies so far beyond the widest difference of two runs does not fit them. Then the runs next to
# its highest and its lowest point speak: so many of them, or a fifth of all.
BEYOND, NEIGHBOURS = 1.1, 5


def ranked(effects: Sequence[FactorEffect]) -> list[FactorEffect]:
    """Effects in the order of a ranking: by verdict, then by size."""
    order = {"active": 0, GOES_WITH: 1, "undecided": 2, "inactive": 3}
    return sorted(effects, key=lambda e: (order[e.verdict], -e.effect if np.isfinite(e.effect) else 0.0, e.factor.name))


def still_active(effects: Sequence[FactorEffect], before: Collection[str]) -> list[FactorEffect]:
    """Effects with those still active that an earlier look called so: its share of the error rate is spent."""
    return ranked(
        [
            replace(
                effect,
                verdict="active",
                runs_to_decide=None,
                statement=effect.statement or "an earlier look at this study, at a level of its own, decided it",
            )
            if effect.factor.name in before and effect.verdict != "active" and np.isfinite(effect.effect)
            else effect
            for effect in effects
        ]
    )


def _twins(term: Term, terms: Sequence[Term], model: Model | None) -> tuple[str, ...]:
    """The factors that `term` always changed together with; empty where it did not."""
    if model is None or len(model.terms) == len(terms):
        return ()
    others = tuple(other.name for other in terms if other is not term and _same_space(term.columns, other.columns))
    if not others and model.holds(term.name):
        return ()
    return others or ("a combination of other factors",)


def _same_space(left: Floats, right: Floats) -> bool:
    """Whether two factors' columns span the same space."""
    return len(independent(np.hstack([left, right]))) == max(left.shape[1], right.shape[1])


def _p_of(term: Term, model: Model | None) -> float:
    if model is None:
        return 1.0
    span = model.span(term.name)
    fit = model.fit
    return wald(fit.beta[span], fit.cov[np.ix_(span, span)], fit.influence[span], fit.dof if fit.even else None)


def _effect(test: FactorTest, p_adjusted: float, levels: tuple[float, float], margin: float) -> FactorEffect:
    alpha, following = levels
    term, model, p = test.term, test.model, test.p
    runs = int(term.counts.sum())
    if model is None:
        return _unknown(test, runs)
    fitted, span = model.fit, model.span(term.name)
    beta = test.added.beta if test.added is not None else fitted.beta[span]
    means = term.codes @ beta
    top, bottom = int(np.argmax(means)), int(np.argmin(means))
    step = term.codes[top] - term.codes[bottom]
    widest = contrast(step, test.added) if test.added is not None else contrast(model.weights(term.name, step), fitted)
    estimate, error, (_, high) = widest.estimate, widest.error, widest.interval()
    least = math.hypot(*(_least_error(model, term, point) for point in (top, bottom)))
    if error < least:
        error, high = least, estimate + float(stats.t.ppf(0.975, widest.dof)) * least
    # The two levels were picked as the outermost: the lower end pays for that, as Tukey's range test does.
    low = max(0.0, estimate - range_quantile(len(span) + 1, round(widest.dof)) * error)
    best = top if model.response.better > 0 else bottom
    tolerance = margin * max(fitted.sd, least * math.sqrt(runs) / 2)
    explained = variance_share(term.columns @ beta, model.response.y, len(span), fitted.sd)
    statement = ""
    if p_adjusted < alpha and (model.response.kind.of_failures or explained >= model.response.least):
        verdict, more = "active", None
    elif high < tolerance:
        verdict, more = "inactive", None
    elif p_adjusted < alpha:
        verdict, more = "undecided", None
    else:
        verdict, more = "undecided", runs_to_decide(estimate, error, tolerance, p, p_adjusted, following, runs)
    if p_adjusted < alpha and verdict != "active":
        statement = f"surely there, but it explains only {explained:.1%} of the variance between runs"
    # Two levels' means lie no further apart than any two runs: what a curve says beyond that it makes up.
    seen = float(np.ptp(model.response.y))
    if low > BEYOND * seen and isinstance(term.factor, Numeric):
        estimate, low, high = _between_neighbours(term, model.response.y, top, bottom)
    shown, low, high = model.response.kind.shown(min(estimate, seen), min(low, seen), min(high, seen))
    return FactorEffect(
        factor=term.factor,
        effect=shown,
        low=low,
        high=high,
        p=p,
        p_adjusted=p_adjusted,
        verdict=verdict,
        runs=runs,
        runs_to_decide=more,
        best_level=term.labels[best],
        levels=tuple(_level_means(test, model)),
        statement=statement,
    )


def _between_neighbours(term: Term, y: Floats, top: int, bottom: int) -> tuple[float, float, float]:
    """Difference between the runs next to two points of a scale, with its interval (Welch 1947); no curve is drawn."""
    places, count = term.columns[:, 0], max(NEIGHBOURS, len(y) // 5)
    upper, lower = (y[np.argsort(np.abs(places - term.codes[point, 0]))[:count]] for point in (top, bottom))
    apart = float(upper.mean() - lower.mean())
    if np.ptp(upper) == 0 == np.ptp(lower):
        return apart, apart, apart
    ends = stats.ttest_ind(upper, lower, equal_var=False).confidence_interval()
    return apart, max(0.0, float(ends.low)), float(ends.high)


def _unknown(test: FactorTest, runs: int) -> FactorEffect:
    """The effect of a factor that no model holds."""
    nan = float("nan")
    return FactorEffect(
        factor=test.term.factor,
        effect=nan,
        low=nan,
        high=nan,
        p=1.0,
        p_adjusted=1.0,
        verdict="undecided",
        runs=runs,
        runs_to_decide=len(test.term.points) * 10,
        best_level="",
        statement=test.silent,
    )


def _least_error(model: Model, term: Term, point: int) -> float:
    """Of a level's share of failures, the standard error that its runs leave at least; 0 for other responses.

    Where every run ends as the model says, no residual is left, and yet the next run may end otherwise: as if one of
    n + 2 runs had (Laplace's rule).
    """
    if not model.response.kind.of_failures:
        return 0.0
    # Of a scale a third of the runs speaks for each end.
    whole = float(term.counts.sum()) / 3 if isinstance(term.factor, Numeric) else float(term.counts[point])
    count = max(1.0, whole)
    rare = 1 / (count + 2)
    return math.sqrt(rare * (1 - rare) / count)


@lru_cache(maxsize=256)
def range_quantile(levels: int, dof: int) -> float:
    """95 % quantile of the studentised range of `levels` means, in standard errors of a difference of two."""
    if levels == 2:
        return float(stats.t.ppf(0.975, dof))
    return float(stats.studentized_range.ppf(0.95, levels, min(dof, 10_000)) / np.sqrt(2))


def runs_to_decide(
    estimate: float, error: float, tolerance: float, p: float, p_adjusted: float, alpha: float, runs: int
) -> int:
    """Further runs, about, until a factor is either active or inactive; the lesser of the two.

    The error falls with the root of the runs. Active: the normal deviate of p grows to that of the alpha that is
    left for this question after Holm. Inactive: estimate + 1.96 · error comes to lie within the margin.

    Args:
        estimate, error: of the effect now.
        tolerance: the equivalence margin in the response's scale.
        p, p_adjusted: of the effect now, p_adjusted not below alpha.
        alpha: error rate.
        runs: so far.
    """
    needed = []
    deviate = float(stats.norm.isf(p / 2))
    if deviate > 0:
        wanted = float(stats.norm.isf(alpha * min(1.0, p / p_adjusted) / 2))
        needed.append((wanted / deviate) ** 2)
    if tolerance > estimate:
        needed.append((NORMAL_95 * error / (tolerance - estimate)) ** 2)
    if not needed:
        return runs
    return int(np.clip(np.ceil(runs * (min(needed) - 1)), 1, 10**9))


def _level_means(test: FactorTest, model: Model) -> list[LevelMean]:
    means: list[LevelMean] = []
    term, grand = test.term, float(model.fit.beta[0])
    for name, code, count in zip(term.labels, term.codes, term.counts, strict=True):
        weights = model.weights(term.name, code)
        weights[0] = 1.0
        mean = contrast(weights, model.fit)
        if test.added is not None:
            own = contrast(code, test.added)
            mean = replace(
                own, estimate=grand + own.estimate, error=max(own.error, model.fit.sd / math.sqrt(count or 1))
            )
        low, high = mean.interval()
        least = NORMAL_95 * _least_error(model, term, len(means))
        low, high = min(low, mean.estimate - least), max(high, mean.estimate + least)
        means.append(LevelMean(name, *model.response.kind.shown(mean.estimate, low, high), int(count)))
    return means
