"""Which levels make a training fail: exact search over rules of one and two conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import binomtest, chi2

from backtrack.evidence.frame import Floats, Frame, Mask
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Level, label
from backtrack.vocabulary.factors import Numeric

# Thresholds of a numeric factor are tried between this many equal shares of its runs.
CUTS = 24
# Fewer failures than this of one kind support no rule.
LEAST_CASES = 5
# A condition must hold in this many runs, and not hold in as many, before it is asked about.
LEAST_RUNS = 3
MOST_RULES = 4


@dataclass(frozen=True)
class Rule:
    """Conditions under which trainings end in an outcome far more often than elsewhere.

    Args:
        outcome: which.
        conditions: all must hold.
        inside: (failures, runs) where they hold.
        outside: (failures, runs) elsewhere, runs that an earlier rule of the same outcome explains left out.
        share: of all runs with this outcome, those inside.
        evidence: natural log of the likelihood ratio against "no rule", less the price of the search.
        holds: (n,) where all conditions hold.
    """

    outcome: str
    conditions: tuple[Condition, ...]
    inside: tuple[int, int]
    outside: tuple[int, int]
    share: float
    evidence: float
    holds: Mask

    def met_by(self, config: Mapping[str, Level]) -> bool:
        """Whether all its conditions hold in a config."""
        return all(condition.met_by(config) for condition in self.conditions)

    @property
    def cause(self) -> tuple[str, ...]:
        """The conditions as text."""
        return tuple(str(condition) for condition in self.conditions)


def all_failure_rules(frame: Frame, alpha: float = 0.05) -> list[Rule]:
    """The rules for every outcome but "ok", those that cover the most failures first; arguments as `failure_rules`."""
    outcomes = [outcome for outcome in np.unique(frame.outcome).tolist() if outcome != "ok"]
    rules = [rule for outcome in outcomes for rule in failure_rules(frame, outcome, alpha)]
    return sorted(rules, key=lambda rule: (-rule.inside[0], rule.outcome))


def failure_rules(frame: Frame, outcome: str, alpha: float = 0.05) -> list[Rule]:
    """Rules for one outcome, the strongest first, each on the runs that the earlier ones leave unexplained.

    A rule's score is the log likelihood of two failure rates, inside and outside, against one; less the log of
    the number of rules of its length (so that a search over many pairs pays for it), and it must exceed what
    chance reaches with probability alpha: χ²(1) / 2 at alpha.

    Args:
        frame: the runs.
        outcome: an outcome other than "ok"; runs with another failure are left out, since they might have ended so.
        alpha: error rate.
    """
    target = frame.outcome == outcome
    comparable = target | ~frame.failed
    left = np.asarray(comparable)
    rules: list[Rule] = []
    while len(rules) < MOST_RULES and int((target & left).sum()) >= LEAST_CASES:
        rule = _best_rule(frame, outcome, target, left, alpha)
        if rule is None:
            break
        rules.append(rule)
        left = left & ~rule.holds
    return rules


def conditions_of(frame: Frame) -> list[tuple[Condition, Mask]]:
    """Every condition that can be asked of the runs, and (n,) where it holds."""
    found: list[tuple[Condition, Mask]] = []
    for factor in frame.space:
        column = frame.levels[factor.name]
        active = frame.active(factor)
        if isinstance(factor, Numeric):
            for threshold in _thresholds(factor, column.astype(float)[active]):
                numbers = column.astype(float)
                found.append((Condition(factor.name, ">", threshold), active & (numbers > threshold)))
                found.append((Condition(factor.name, "<", threshold), active & (numbers < threshold)))
        else:
            own = {label(level): level for level in factor.levels}
            for text in np.unique(column[active]).tolist():
                # Mixtures of components are levels that only their text names.
                found.append((Condition(factor.name, "=", own.get(text, text)), active & (column == text)))
    return [(c, holds) for c, holds in found if LEAST_RUNS <= int(holds.sum()) <= len(frame) - LEAST_RUNS]


def _thresholds(factor: Numeric, numbers: Floats) -> list[float]:
    """Between the runs' values, at even shares of them; to six digits, as they are shown."""
    known = np.sort(numbers)
    if len(known) < 2 * LEAST_RUNS:
        return []
    cuts = np.unique(np.linspace(LEAST_RUNS, len(known) - LEAST_RUNS, CUTS).astype(int))
    ends = [(known[cut - 1], known[cut]) for cut in cuts if known[cut - 1] != known[cut]]
    return [float(f"{np.sqrt(low * high) if factor.log else (low + high) / 2:.6g}") for low, high in ends]


def _best_rule(frame: Frame, outcome: str, target: Mask, left: Mask, alpha: float) -> Rule | None:
    asked = conditions_of(frame.rows(left))
    if not asked:
        return None
    bad = target[left].astype(float)
    chosen, evidence = _likeliest([condition.factor for condition, _ in asked], [holds for _, holds in asked], bad)
    if not np.isfinite(evidence) or evidence < float(chi2.isf(alpha, 1)) / 2:
        return None
    inside = np.logical_and.reduce([asked[number][1] for number in chosen])
    conditions = tuple(asked[number][0] for number in chosen)
    return Rule(
        outcome=outcome,
        conditions=conditions,
        inside=(int(bad[inside].sum()), int(inside.sum())),
        outside=(int(bad[~inside].sum()), int((~inside).sum())),
        share=float(bad[inside].sum() / max(1, int(target.sum()))),
        evidence=evidence,
        holds=np.logical_and.reduce([where(frame, condition) for condition in conditions]),
    )


def _likeliest(factors: Sequence[str], masks: Sequence[Mask], bad: Floats) -> tuple[tuple[int, ...], float]:
    """Numbers of the condition, or the two, that divide the failures best; and the evidence for it.

    Args:
        factors: of each condition.
        masks: (n,) where each holds.
        bad: (n,) 1 where the run failed.
    """
    holds = np.stack(masks).astype(float)
    runs_inside = holds @ holds.T
    bad_inside = (holds * bad) @ holds.T
    gain = log_likelihood_gain(bad_inside, runs_inside, bad.sum(), len(bad))
    size = len(masks)
    singles = np.diag(gain) - np.log(size)
    upper = np.triu(np.ones((size, size), bool), 1)
    # Two conditions on one factor are one: a level excludes the others, and one threshold implies the other.
    names = np.array(factors)
    upper &= names[:, None] != names[None, :]
    pairs = np.where(upper & (runs_inside >= LEAST_RUNS), gain - np.log(max(1, int(upper.sum()))), -np.inf)
    single, pair = int(np.argmax(singles)), np.unravel_index(int(np.argmax(pairs)), pairs.shape)
    if singles[single] >= pairs[pair]:
        return (single,), float(singles[single])
    return (int(pair[0]), int(pair[1])), float(pairs[pair])


def where(frame: Frame, condition: Condition) -> Mask:
    """(n,) where a condition holds in the runs of `frame`."""
    column = frame.levels[condition.factor]
    if condition.sign == "=":
        return np.asarray(column == label(condition.level))
    numbers, threshold = column.astype(float), float(condition.level)
    with np.errstate(invalid="ignore"):
        return np.asarray(numbers > threshold if condition.sign == ">" else numbers < threshold)


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


def rate_interval(bad: int, runs: int) -> tuple[float, float, float]:
    """A failure rate with its 95 % Wilson interval: (rate, low, high); unknown (0 to 1) without runs."""
    if runs == 0:
        return float("nan"), 0.0, 1.0
    interval = binomtest(bad, runs).proportion_ci(method="wilson")
    return bad / runs, float(interval.low), float(interval.high)
