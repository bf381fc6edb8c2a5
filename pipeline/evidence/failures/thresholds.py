"""Where on the scale of a numeric factor the outcome turns: what the runs say already, then halving."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backtrack.evidence.failures.cause import Cause
from backtrack.evidence.failures.laboratory import Laboratory
from backtrack.evidence.failures.rule_search import log_likelihood_gain
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Level
from backtrack.vocabulary.factors import Numeric

# A threshold is bracketed to this share of what lies beyond it, or of its scale where that is more; a repair keeps that
# far from it, as a share of the scale.
BRACKET, LEAST_BRACKET, CLEAR = 0.05, 0.003, 0.08
# Thresholds whose likelihood is less than e to this power below the best one's may be the true one.
SUPPORT = 3.0


def threshold(
    cause: Cause, lab: Laboratory, factor: Numeric, good: float, bad: float, fails: Callable[[Level], bool]
) -> Condition:
    """The condition that the factor lies beyond its threshold, with a number on its good side that repairs it.

    Args:
        cause: whose rule and outcomes are meant.
        lab: knows the runs.
        factor: the numeric factor.
        good, bad: numbers of a passing and of a failing config.
        fails: whether the failing config still fails with another number.

    Raises:
        NotRun: where an answer needs more runs.
    """
    sign = ">" if bad > good else "<"
    low, high = factor.share(good), factor.share(bad)
    known = _support(cause, lab, factor, sign)
    if known is not None and abs(known[1] - known[0]) < abs(high - low):
        low, high = (
            (max(low, known[0]), min(high, known[1])) if sign == ">" else (min(low, known[0]), max(high, known[1]))
        )
    end = 1.0 if sign == ">" else 0.0
    while abs(high - low) > max(LEAST_BRACKET, BRACKET * abs(end - (low + high) / 2)):
        middle = (low + high) / 2
        if factor.at(middle) in (factor.at(low), factor.at(high)):
            break
        low, high = (low, middle) if fails(factor.at(middle)) else (middle, high)
    ends = sorted((float(factor.at(low)), float(factor.at(high))))
    middle = float(np.sqrt(ends[0] * ends[1])) if factor.log else sum(ends) / 2
    # The smallest repair is a number just on the good side, clear of the threshold's own bracket: the passing config's
    # number may lie far off, where another background has other trouble.
    beside = low - CLEAR if sign == ">" else low + CLEAR
    within = max(beside, factor.share(good)) if sign == ">" else min(beside, factor.share(good))
    return Condition(factor.name, sign, float(f"{middle:.4g}"), factor.at(within), (ends[0], ends[1]))


def _support(cause: Cause, lab: Laboratory, factor: Numeric, sign: str) -> tuple[float, float] | None:
    """Shares of the scale, the good one first, between which the runs so far say that the threshold lies.

    The runs where the rule's other conditions hold are divided at every gap between their numbers. All gaps count that
    are nearly as likely as the best one. None where no rule names such a threshold.
    """
    named = cause.rule.conditions if cause.rule is not None else ()
    if not any(one.factor == factor.name and one.sign == sign for one in named):
        return None
    others = [one for one in named if one.factor != factor.name]
    runs = [
        run
        for run in lab.runs
        if run.earlier and factor.name in run.config and all(one.holds(lab.space, run.config) for one in others)
    ]
    shares = np.array([factor.share(float(run.config[factor.name])) for run in runs])
    bad = np.array([run.outcome in cause.outcomes for run in runs], float)
    order = np.argsort(shares if sign == ">" else -shares, kind="stable")
    shares, bad = shares[order], bad[order]
    inside = len(runs) - np.arange(1, len(runs))
    gain = log_likelihood_gain(bad.sum() - np.cumsum(bad)[:-1], inside.astype(float), float(bad.sum()), len(runs))
    gain[shares[1:] == shares[:-1]] = -np.inf
    if not len(gain) or not np.isfinite(gain).any():
        return None
    likely = np.flatnonzero(gain >= gain.max() - SUPPORT)
    return float(shares[likely[0]]), float(shares[likely[-1] + 1])
