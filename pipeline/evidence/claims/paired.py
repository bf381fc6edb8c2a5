"""A claim's contrast from pairs of trainings that differ in its factor alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from backtrack.evidence.claims.claims import Estimate
from backtrack.evidence.effects.effects import terms_of, tests_of
from backtrack.evidence.effects.model import Model, build_model
from backtrack.evidence.frame import Floats, Frame
from backtrack.evidence.responses.responses import Response
from backtrack.evidence.statistics.linear import contrast
from backtrack.evidence.statistics.multiple import holm
from backtrack.evidence.statistics.normal import NORMAL_95
from backtrack.vocabulary.config import label
from backtrack.vocabulary.contrasts import question_of
from backtrack.vocabulary.factors import Claim
from backtrack.vocabulary.responses import SPEED

# Two pairs have a spread; with fewer there is no error to speak of.
FEWEST_PAIRS = 2


def paired_estimate(
    frame: Frame, responses: Sequence[Response], factor: str, claim: Claim, alpha: float
) -> Estimate | None:
    """The difference of a claim's response within pairs, with its 95 % interval and the p-value of "none".

    - Numbers (gain, log of seconds): their mean, by Student's t. Pairs of which one training has no such number (it
      failed) drop out; the statement says how many.
    - Log of epochs to the target: the same where all reached it. A training that never did was slower than any that
      did: with such pairs it is the median, by the sign test and its interval. Pairs of which neither reached it
      drop out.
    - Failures: McNemar's exact test (the pairs of which one training failed split like a fair coin), and the interval
      of Bonett & Price (2012) for a difference of paired proportions.

    Args:
        frame: the runs of the claims stage.
        responses: of these runs.
        factor, claim: what is claimed.
        alpha: error rate for what the contrast depends on.

    Returns:
        The estimate, or None where there are no pairs of it.
    """
    pairs = np.array(pairs_of(frame, factor, claim), dtype=np.int64).reshape(-1, 2)
    by_name = {response.kind.name: response for response in responses}
    response = by_name.get(claim.judged_on(by_name))
    if not len(pairs) or response is None:
        return None
    number = {run: float(y) for run, y in zip(_runs(response.frame), response.y, strict=True)}
    absent = np.inf if claim.response == SPEED else np.nan
    y = np.array([number.get(run, absent) for run in _runs(frame)])
    # Two that never reached the target are ∞ - ∞: no difference to know.
    known = np.isfinite(y[pairs]).any(1) if claim.response == SPEED else np.isfinite(y[pairs]).all(1)
    ends = y[pairs[known]]
    if len(ends) < FEWEST_PAIRS:
        return None
    difference = ends[:, 0] - ends[:, 1]
    finite = np.isfinite(difference)
    spread = float(difference[finite].std(ddof=1) / np.sqrt(2)) if finite.sum() > 1 else float("nan")
    if response.kind.of_failures:
        effect, low, high, p = _proportions(difference)
        spread = float(np.sqrt(ends.mean() * (1 - ends.mean())))
    elif finite.all():
        effect, low, high, p = _mean(difference)
    else:
        effect, low, high, p = _median(difference)
    backgrounds = frame.rows(pairs[known][finite, 0])
    inner = replace(response, frame=backgrounds, y=difference[finite])
    return Estimate(
        effect=effect,
        low=low,
        high=high,
        p=p,
        sd=spread,
        kind=response.kind,
        runs=2 * len(ends),
        differences=tuple(difference.tolist()),
        reversal=_reversal(inner, claim, alpha),
        statement=_missing(claim, len(pairs), len(ends), ends),
    )


def _missing(claim: Claim, pairs: int, known: int, ends: Floats) -> str:
    """What kept pairs from having a difference."""
    said = []
    if known < pairs:
        why = "neither reached the target" if claim.response == SPEED else "one of the two did not train"
        said.append(f"{pairs - known} of {pairs} pairs tell nothing, since {why}")
    if not np.isfinite(ends).all():
        never = (~np.isfinite(ends)).sum(0)
        said.append(
            f"the target was never reached {never[0]} times with {label(claim.level)} and {never[1]} times with "
            f"{label(claim.against)}: the median is shown, by the sign test"
        )
    return "; ".join(said)


def pairs_of(frame: Frame, factor: str, claim: Claim) -> list[tuple[int, int]]:
    """(entry at the claim's level, entry at the other) of the complete pairs that were drawn for the claim's contrast.

    Pairs of another claim on the same levels are left out where it names other conditions: their backgrounds are not
    an average over the same choices.

    Args:
        frame: the runs of the claims stage.
        factor, claim: what is claimed.
    """
    question = question_of(frame.space, factor, claim)
    column = frame.levels[factor]
    pairs: dict[int, dict[str, int]] = {}
    for entry in np.flatnonzero((frame.question == question) & (frame.pair >= 0)) if question else ():
        pairs.setdefault(int(frame.pair[entry]), {})[str(column[entry])] = int(entry)
    to, other = label(claim.level), label(claim.against)
    return [(pair[to], pair[other]) for _, pair in sorted(pairs.items()) if to in pair and other in pair]


def _runs(frame: Frame) -> list[tuple[str, int]]:
    return [(str(trial), int(seed)) for trial, seed in zip(frame.trial, frame.seed, strict=True)]


def _mean(difference: Floats) -> tuple[float, float, float, float]:
    mean = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    if error <= 1e-12 * max(abs(mean), 1e-300):
        return mean, mean, mean, float(abs(mean) <= 1e-12)
    reach = float(stats.t.ppf(0.975, len(difference) - 1)) * error
    return mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, len(difference) - 1))


def _median(difference: Floats) -> tuple[float, float, float, float]:
    """Median with the interval that the sign test inverts to; entries may be infinite."""
    size, more, fewer = len(difference), int((difference > 0).sum()), int((difference < 0).sum())
    p = float(stats.binomtest(more, more + fewer).pvalue) if more + fewer else 1.0
    order = np.sort(difference)
    outside = int(stats.binom.ppf(0.025, size, 0.5))
    if stats.binom.cdf(outside, size, 0.5) > 0.025:
        outside -= 1
    low, high = (-np.inf, np.inf) if outside < 0 else (float(order[outside]), float(order[size - 1 - outside]))
    return float(order[size // 2] if size % 2 else _middle(order)), low, high, p


def _middle(order: Floats) -> float:
    """Of an even number the middle of the two middle ones; where they are -∞ and ∞, nothing is known."""
    left, right = order[len(order) // 2 - 1], order[len(order) // 2]
    return float((left + right) / 2) if np.isfinite([left, right]).any() or left == right else 0.0


def _proportions(difference: Floats) -> tuple[float, float, float, float]:
    size, more, fewer = len(difference), int((difference > 0).sum()), int((difference < 0).sum())
    p = float(stats.binomtest(more, more + fewer).pvalue) if more + fewer else 1.0
    up, down = (more + 1) / (size + 2), (fewer + 1) / (size + 2)
    reach = NORMAL_95 * float(np.sqrt((up + down - (up - down) ** 2) / (size + 2)))
    middle = up - down
    return (more - fewer) / size, max(-1.0, middle - reach), min(1.0, middle + reach), p


def _reversal(difference: Response, claim: Claim, alpha: float) -> str:
    """The factor whose levels turn the contrast round: it changes the difference, and one level's interval lies above
    zero, another's below; else nothing."""
    terms, _ = terms_of(difference)
    model = build_model(difference, terms) if terms and np.ptp(difference.y) > 0 else None
    if model is None:
        return ""
    tests = [test for test in tests_of(difference, model, terms) if model.holds(test.term.name)]
    for test, p in zip(tests, holm([test.p for test in tests]), strict=True):
        if p < alpha and test.term.name not in claim.where and {1, -1} <= _signs(model, test.term.name, alpha):
            return test.term.name
    return ""


def _signs(model: Model, name: str, alpha: float) -> set[int]:
    """The signs of the mean difference at the levels of a factor; 0 where the interval holds zero."""
    signs = set()
    mean = np.zeros(len(model.fit.beta))
    mean[0] = 1.0
    codes = model.terms[name].codes
    for code in codes:
        low, high = contrast(mean + model.weights(name, code), model.fit).interval(1 - alpha / len(codes))
        signs.add(1 if low > 0 else -1 if high < 0 else 0)
    return signs
