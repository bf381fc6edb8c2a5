"""The conditions, up to three together, that divide failures from other runs best; and how surely they do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import hypergeom

from backtrack.evidence.failures.candidates import LEAST_RUNS, Candidate
from backtrack.evidence.frame import Floats, Mask

# Of the error rate: rules of one condition, of two, and of three. A third has to be paid for.
LENGTH_SHARES = (0.6, 0.3, 0.1)
# Pairs that a third condition is tried with.
PAIRS_EXTENDED = 40


@dataclass(frozen=True)
class Found:
    """The best division of the failures.

    Args:
        chosen: the candidates, all of which hold inside.
        evidence: natural log of the likelihood ratio of two rates against one, less the price of the search.
        p: of Fisher's exact test of the division, adjusted for all divisions that were tried.
    """

    chosen: tuple[Candidate, ...]
    evidence: float
    p: float


def best_division(asked: Sequence[Candidate], bad: Mask) -> Found | None:
    """The one to three conditions under which the failures are likeliest; None where no condition can be asked.

    Compared by their likelihood with a price: minus the log of the share of the error rate that each has. So a rule of
    two levels has to explain more than one of them does. The price makes Fisher's exact p-value hold for the whole
    search as well (weighted Bonferroni), with few failures too.

    Args:
        asked: the conditions.
        bad: (n,) which runs failed.
    """
    if not asked or not bad.any() or bad.all():
        return None
    holds = np.stack([candidate.holds for candidate in asked]).astype(float)
    price = -np.log([candidate.share for candidate in asked])
    failed, total, runs = bad.astype(float), float(bad.sum()), len(bad)
    apart = _may_go_together(asked)
    inside, bad_inside = holds @ holds.T, (holds * failed) @ holds.T
    gain = log_likelihood_gain(bad_inside, inside, total, runs)
    one = np.diag(gain) - price + math.log(LENGTH_SHARES[0])
    number = int(np.argmax(one))
    best: tuple[int, ...] = (number,)
    score = float(one[number])
    two = np.where(np.triu(apart & (inside >= LEAST_RUNS)), gain - price[:, None] - price[None, :], -np.inf)
    # Each pair is asked once, and the shares of all ordered pairs add up to one: each gets twice its product.
    two += math.log(2 * LENGTH_SHARES[1])
    order = np.argsort(-two, axis=None, kind="stable")[:PAIRS_EXTENDED]
    pairs = [(int(a), int(b)) for a, b in zip(*np.unravel_index(order, two.shape), strict=True)]
    pairs = [pair for pair in pairs if np.isfinite(two[pair])]
    if pairs and two[pairs[0]] > score:
        best, score = pairs[0], float(two[pairs[0]])
    for a, b in pairs:
        both = holds[a] * holds[b]
        inside_three, bad_three = holds @ both, holds @ (both * failed)
        own = log_likelihood_gain(bad_three, inside_three, total, runs) - price - price[a] - price[b]
        own = np.where(apart[a] & apart[b] & (inside_three >= LEAST_RUNS), own, -np.inf)
        third = int(np.argmax(own))
        value = float(own[third]) + math.log(6 * LENGTH_SHARES[2])
        if value > score:
            best, score = (a, b, third), value
    if not np.isfinite(score):
        return None
    chosen = tuple(asked[number] for number in best)
    together = np.logical_and.reduce([candidate.holds for candidate in chosen])
    exact = float(hypergeom.sf(int(bad[together].sum()) - 1, runs, int(total), int(together.sum())))
    shares = LENGTH_SHARES[len(best) - 1] * math.factorial(len(best)) * math.prod(c.share for c in chosen)
    return Found(chosen, score, min(1.0, exact / shares))


def _may_go_together(asked: Sequence[Candidate]) -> Mask:
    """(m, m) whether two conditions say more together: those of different factors, and both sides of an interval."""
    names = np.array([candidate.condition.factor for candidate in asked])
    signs = np.array([candidate.condition.sign for candidate in asked])
    interval = ((signs[:, None] == ">") & (signs[None, :] == "<")) | ((signs[:, None] == "<") & (signs[None, :] == ">"))
    return np.asarray((names[:, None] != names[None, :]) | interval)


def log_likelihood_gain(bad_inside: Floats, runs_inside: Floats, bad: float, runs: int) -> Floats:
    """Log likelihood of two rates against one, where the inside fails more often; -inf where it does not.

    Args:
        bad_inside, runs_inside: failures and runs inside, any shape.
        bad, runs: failures and runs in all.
    """
    bad_outside, runs_outside = bad - bad_inside, runs - runs_inside
    with np.errstate(divide="ignore", invalid="ignore"):
        rate_inside = bad_inside / runs_inside
        rate_outside = bad_outside / runs_outside
        two = _bernoulli(bad_inside, runs_inside, rate_inside) + _bernoulli(bad_outside, runs_outside, rate_outside)
        one = float(_bernoulli(np.array(bad), np.array(float(runs)), np.array(bad / runs)))
        better = (rate_inside > rate_outside) & (runs_inside > 0) & (runs_outside > 0)
    return np.where(better, two - one, -np.inf)


def _bernoulli(bad: Floats, runs: Floats, rate: Floats) -> Floats:
    return np.asarray(xlogy(bad, rate) + xlogy(runs - bad, 1 - rate))
