"""The same question in two studies: which effects, rates and rules differ, and which surely do not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from backtrack.errors import StudyError
from backtrack.evidence.analysis import Analysis
from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.interactions import InteractionEffect, interaction_effects
from backtrack.evidence.effects.model import Model, build_model
from backtrack.evidence.effects.questions import ask
from backtrack.evidence.failures.candidates import where
from backtrack.evidence.frame import Frame
from backtrack.evidence.responses.responses import Response, gain_of
from backtrack.evidence.statistics.linear import contrast
from backtrack.evidence.statistics.multiple import holm
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Categorical, Factor, Numeric
from backtrack.vocabulary.responses import FAILURE, GAIN, failure
from backtrack.vocabulary.space import SearchSpace

# Which study a run belongs to, as a factor of both.
STUDY, FIRST, SECOND = "study", "A", "B"
# A difference inside so many run-to-run standard deviations, or so many of 100 runs that fail, is called none.
MARGIN, RATE_MARGIN = 0.25, 0.1
# Shares of the error rate: whether the studies reach the same, and fail as often, is asked first.
SHARES = {"level": 0.3, "rate": 0.2, "effect": 0.25, "failure effect": 0.15, "rule": 0.1}
DIFFERS, SAME, UNDECIDED = "differs", "same", "undecided"


@dataclass(frozen=True)
class Difference:
    """One question that both studies answer.

    Args:
        what: `level` (the mean of all runs that trained), `effect` (a factor's effect on the gain), `rate` (the share
            that fails), `failure effect` (a factor's effect on it), or `rule` (how often trainings fail where a rule of
            either study holds).
        name: the factor, or the rule.
        first, second: what each study says, in words.
        difference, low, high: of the second from the first, with its 95 % interval.
        p_adjusted: of "no difference", Holm over all questions of the comparison.
        verdict: differs, same (the whole interval lies inside the margin), or undecided.

    Example:
        >>> Difference("rate", "all runs", "3 of 60 fail", "4 of 60 fail", 0.017, -0.08, 0.11, 1.0, "undecided").verdict
        'undecided'
    """

    what: str
    name: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p_adjusted: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """What two studies say of the same question.

    Args:
        differences: the surest first.
        common: factors of both.
        only_first, only_second: factors that the other lacks.
        alpha: error rate over all questions.

    Example:
        >>> Comparison([], common=("lr",), only_first=(), only_second=("norm",), alpha=0.05).only_second
        ('norm',)
    """

    differences: list[Difference]
    common: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    alpha: float


@dataclass(frozen=True)
class _Asked:
    what: str
    name: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    margin: float


def compare_analyses(first: Analysis, second: Analysis, metric: str, mode: str, alpha: float) -> Comparison:
    """Compares two analysed studies.

    The evidence of both is one table, with the study as one more factor. Its own effect is the difference of levels;
    its interactions are the differences of effects. All questions are one family (Holm), at `alpha`.

    Args:
        first, second: the analyses.
        metric, mode: of both tasks.
        alpha: error rate over all questions.

    Raises:
        StudyError: where they have no factor in common, or no runs that are evidence.
    """
    frames = first.frame.of_stages(), second.frame.of_stages()
    if not len(frames[0]) or not len(frames[1]):
        raise StudyError("a study without runs of a screen is no evidence: there is nothing to compare")
    joint = joined(*frames)
    asked = _of_gain(joint, metric, mode) + _of_failures(joint) + _of_rules(frames, first, second)
    asked = [_with_own_words(one, first, second) for one in asked]
    adjusted = holm([one.p for one in asked], _weights(asked))
    differences = [
        Difference(
            what=one.what,
            name=one.name,
            first=one.first,
            second=one.second,
            difference=one.difference,
            low=one.low,
            high=one.high,
            p_adjusted=float(p),
            verdict=_verdict(one, float(p), alpha),
        )
        for one, p in zip(asked, adjusted, strict=True)
    ]
    order = {DIFFERS: 0, UNDECIDED: 1, SAME: 2}
    differences.sort(key=lambda one: (order[one.verdict], one.p_adjusted, one.what, one.name))
    names = [{factor.name for factor in frame.space} for frame in frames]
    return Comparison(
        differences=differences,
        common=tuple(factor.name for factor in joint.space if factor.name != STUDY),
        only_first=tuple(sorted(names[0] - names[1])),
        only_second=tuple(sorted(names[1] - names[0])),
        alpha=alpha,
    )


def _weights(asked: Sequence[_Asked]) -> list[float]:
    """Each question's share of the error rate: that of its kind, divided among the questions of the kind."""
    counts = Counter(one.what for one in asked)
    return [SHARES[one.what] / counts[one.what] for one in asked]


def _with_own_words(one: _Asked, first: Analysis, second: Analysis) -> _Asked:
    """A question about a factor's effect with what each study says of it by itself."""
    response = {"effect": GAIN, "failure effect": FAILURE}.get(one.what)
    if response is None:
        return one
    said = []
    for analysis in (first, second):
        effects = analysis.responses[response].factors if response in analysis.responses else []
        effect = next((effect for effect in effects if effect.factor.name == one.name), None)
        said.append(
            "unknown"
            if effect is None or not math.isfinite(effect.effect)
            else f"{effect.effect:.3g} ({effect.low:.3g} to {effect.high:.3g}), best {effect.best_level}"
        )
    return replace(one, first=said[0], second=said[1])


def _verdict(one: _Asked, p: float, alpha: float) -> str:
    if p < alpha:
        return DIFFERS
    inside = math.isfinite(one.low) and math.isfinite(one.high) and max(abs(one.low), abs(one.high)) < one.margin
    return SAME if inside else UNDECIDED


def joined(first: Frame, second: Frame) -> Frame:
    """The runs of two studies as one frame: their common factors, and which study each belongs to."""
    common = [
        _common(factor, second.space[factor.name])
        for factor in first.space
        if factor.name in {other.name for other in second.space}
    ]
    known = [factor for factor in common if factor is not None]
    if not known:
        raise StudyError("the studies have no factor in common: they ask different questions")
    names = {factor.name for factor in known}
    space = SearchSpace(
        (
            *(replace(factor, claims=(), when=_kept(factor, names)) for factor in known),
            Categorical(STUDY, [FIRST, SECOND]),
        )
    )
    levels = {factor.name: np.concatenate([first.levels[factor.name], second.levels[factor.name]]) for factor in known}
    which = np.array([FIRST] * len(first) + [SECOND] * len(second))
    columns = {
        field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
        for field in fields(Frame)
        if field.name not in ("space", "levels")
    }
    return Frame(space=space, levels={**levels, STUDY: which}, **columns)


def _common(one: Factor, other: Factor) -> Factor | None:
    """A factor that holds what both studies tried; None where they are of different kinds."""
    if isinstance(one, Numeric) and isinstance(other, Numeric):
        low, high = min(one.low, other.low), max(one.high, other.high)
        return replace(one, low=low, high=high, log=one.log and low > 0)
    if isinstance(one, Categorical) and isinstance(other, Categorical):
        levels: dict[str, Level] = {label(level): level for level in (*one.levels, *other.levels)}
        return replace(one, levels=tuple(levels.values()))
    return one if type(one) is type(other) else None


def _kept(factor: Factor, names: set[str]) -> dict[str, Sequence[Level]] | None:
    when = {parent: levels for parent, levels in (factor.when or {}).items() if parent in names}
    return when or None


def _of_gain(joint: Frame, metric: str, mode: str) -> list[_Asked]:
    own = gain_of(joint, metric, mode)
    if len(own.y) < 8 or np.ptp(own.y) == 0:
        return []
    seeds = own.frame.seed
    response = own if _share_seeds(joint) else replace(own, frame=replace(own.frame, seed=np.zeros_like(seeds)))
    asked = ask(response, 0.05)
    noise = asked.model.fit.sd if asked.model is not None else float(np.std(response.y))
    found = _differing_effects("effect", asked.pairs, MARGIN * noise)
    return [_level(response, noise, GAIN, seeds), *found]


def _differing_effects(what: str, pairs: Sequence[InteractionEffect], margin: float) -> list[_Asked]:
    """How much each factor's effect depends on the study; what each study says of it by itself is added later."""
    return [
        _Asked(
            what=what,
            name=other,
            first="",
            second="",
            difference=pair.effect,
            low=pair.low,
            high=pair.high,
            p=pair.p,
            margin=margin,
        )
        for pair in pairs
        if (other := _other(pair)) is not None
    ]


def _other(pair: InteractionEffect) -> str | None:
    if STUDY not in (pair.factor_a, pair.factor_b):
        return None
    return pair.factor_b if pair.factor_a == STUDY else pair.factor_a


def _level(response: Response, noise: float, name: str, seeds: NDArray[np.int64]) -> _Asked:
    """The difference of levels, with the luck of seeds that only one study had in its error."""
    model = _model(response)
    own = response.frame.levels[STUDY]
    means = [float(response.y[own == side].mean()) for side in (FIRST, SECOND)]
    if model is None or not model.holds(STUDY):
        test = stats.ttest_ind(response.y[own == SECOND], response.y[own == FIRST], equal_var=False)
        interval = test.confidence_interval()
        estimate, low, high, p = means[1] - means[0], float(interval.low), float(interval.high), float(test.pvalue)
    else:
        term = model.terms[STUDY]
        step = term.codes[term.points.index(SECOND)] - term.codes[term.points.index(FIRST)]
        found = contrast(model.weights(STUDY, step), model.fit)
        error = math.hypot(found.error, _luck(response, model, seeds))
        reach = float(stats.t.ppf(0.975, found.dof)) * error
        estimate, low, high = found.estimate, found.estimate - reach, found.estimate + reach
        p = 2 * float(stats.t.sf(abs(estimate) / error, found.dof))
    return _Asked(
        what="level",
        name=name,
        first=f"{means[0]:.4g}",
        second=f"{means[1]:.4g}",
        difference=estimate,
        low=low,
        high=high,
        p=p,
        margin=MARGIN * noise,
    )


def _model(response: Response) -> Model | None:
    return build_model(response, terms_of(response)[0])


def _share_seeds(joint: Frame) -> bool:
    """Whether both studies ran under the same seeds; as blocks, seeds of their own would take their difference out."""
    pools = [set(joint.seed[joint.levels[STUDY] == side].tolist()) for side in (FIRST, SECOND)]
    return pools[0] == pools[1]


def _luck(response: Response, model: Model, seeds: NDArray[np.int64]) -> float:
    """Standard error that seeds of their own leave in the difference of two studies' levels; 0 where they share them.

    √(σ² (1 / k_A + 1 / k_B)) for k seeds each; σ² is the variance between seeds beyond that within, of the residuals.
    """
    if np.array_equal(response.frame.seed, seeds):
        return 0.0
    left = model.fit.residuals / model.fit.root
    variances, inverse = [], 0.0
    for side in (FIRST, SECOND):
        mine = response.frame.levels[STUDY] == side
        groups = [left[mine & (seeds == one)] for one in np.unique(seeds[mine])]
        groups = [group for group in groups if len(group) > 1]
        if len(groups) < 2:
            continue
        within = float(np.mean([np.var(group, ddof=1) for group in groups]))
        size = float(np.mean([len(group) for group in groups]))
        between = float(np.var([group.mean() for group in groups], ddof=1))
        variances.append(max(0.0, between - within / size))
        inverse += 1 / len(groups)
    return math.sqrt(float(np.mean(variances)) * inverse) if variances else 0.0


def _of_failures(joint: Frame) -> list[_Asked]:
    fair = joint.fair_for_failures
    failed, own = fair.failed, fair.levels[STUDY]
    counts = [(int(failed[own == side].sum()), int((own == side).sum())) for side in (FIRST, SECOND)]
    if not failed.any() or min(runs for _, runs in counts) == 0:
        return []
    asked = [_rates("rate", "all runs", *counts)]
    response = Response(failure(), fair, failed.astype(float))
    model = _model(response)
    return asked + _differing_effects("failure effect", interaction_effects(response, model), RATE_MARGIN)


def _rates(what: str, name: str, first: tuple[int, int], second: tuple[int, int]) -> _Asked:
    """Two shares, with Newcombe's interval (1998) of their difference and Fisher's exact test."""
    shares, lows, highs = [], [], []
    for bad, runs in (first, second):
        interval = stats.binomtest(bad, runs).proportion_ci(method="wilson")
        shares.append(bad / runs)
        lows.append(float(interval.low))
        highs.append(float(interval.high))
    difference = shares[1] - shares[0]
    low = difference - math.hypot(shares[1] - lows[1], highs[0] - shares[0])
    high = difference + math.hypot(highs[1] - shares[1], shares[0] - lows[0])
    table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
    return _Asked(
        what=what,
        name=name,
        first=f"{first[0]} of {first[1]} fail",
        second=f"{second[0]} of {second[1]} fail",
        difference=difference,
        low=low,
        high=high,
        p=float(stats.fisher_exact(table).pvalue),
        margin=RATE_MARGIN,
    )


def _of_rules(frames: tuple[Frame, Frame], *analyses: Analysis) -> list[_Asked]:
    """How often trainings fail in either study where a rule of one of them holds."""
    asked: dict[str, _Asked] = {}
    names = [{factor.name for factor in frame.space} for frame in frames]
    for analysis in analyses:
        for one in analysis.causes:
            rule = one.cause.rule
            if rule is None or one.cause.refuted:
                continue
            if not all(c.factor.partition(".")[0] in known for known in names for c in rule.conditions):
                continue
            counts = []
            for frame in (frame.fair_for_failures for frame in frames):
                holds = np.logical_and.reduce([where(frame, condition) for condition in rule.conditions])
                counts.append((int(frame.failed[holds].sum()), int(holds.sum())))
            if min(runs for _, runs in counts) > 0:
                name = " and ".join(rule.cause)
                asked.setdefault(name, _rates("rule", name, *counts))
    return list(asked.values())
