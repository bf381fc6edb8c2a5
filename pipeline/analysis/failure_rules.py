"""Which levels make a training fail: exact search over rules of one and two conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2
from statsmodels.stats.proportion import proportion_confint

from pipeline.analysis.frame import Floats, Frame, Mask
from pipeline.space import Level, Numeric, label

# Thresholds of a numeric factor are tried between this many equal shares of its runs.
CUTS = 24
# Fewer failures than this of one kind support no rule.
LEAST_CASES = 5
# A condition must hold in this many runs, and not hold in as many, before it is asked about.
LEAST_RUNS = 3
MOST_RULES = 4


def meets(own: Level | None, sign: str, level: Level) -> bool:
    """Whether a factor's level is `level`, or beyond it; an absent one (None) never is.

    Args:
        own: of a config.
        sign: "=", ">" or "<".
        level: a level, or a threshold; as text or as itself.
    """
    if own is None:
        return False
    if sign == "=":
        return label(own) == label(level)
    return float(own) > float(level) if sign == ">" else float(own) < float(level)


@dataclass(frozen=True)
class Condition:
    """One part of a rule: `factor=level`, or `factor>threshold`, `factor<threshold`.

    Args:
        factor: name.
        sign: "=", ">" or "<".
        level: as text; a threshold to six digits.
        holds: (n,) where it holds.
    """

    factor: str
    sign: str
    level: str
    holds: Mask

    def __str__(self) -> str:
        return f"{self.factor}{self.sign}{self.level}"

    def met_by(self, config: Mapping[str, Level]) -> bool:
        """Whether it holds in a config."""
        return meets(config.get(self.factor), self.sign, self.level)


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
    """

    outcome: str
    conditions: tuple[Condition, ...]
    inside: tuple[int, int]
    outside: tuple[int, int]
    share: float
    evidence: float

    @property
    def holds(self) -> Mask:
        """(n,) where all its conditions hold."""
        return np.logical_and.reduce([condition.holds for condition in self.conditions])

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


def conditions_of(frame: Frame) -> list[Condition]:
    """Every condition that can be asked of the runs."""
    found = []
    for factor in frame.space:
        column = frame.levels[factor.name]
        active = frame.active(factor)
        if isinstance(factor, Numeric):
            numbers = column.astype(float)
            known = np.sort(numbers[active])
            if len(known) < 2 * LEAST_RUNS:
                continue
            cuts = np.unique(np.linspace(LEAST_RUNS, len(known) - LEAST_RUNS, CUTS).astype(int))
            for cut in cuts:
                low, high = known[cut - 1], known[cut]
                if low == high:
                    continue
                middle = np.sqrt(low * high) if factor.log else (low + high) / 2
                text = label(float(f"{middle:.6g}"))
                found.append(Condition(factor.name, ">", text, active & (numbers > middle)))
                found.append(Condition(factor.name, "<", text, active & (numbers < middle)))
        else:
            for level in np.unique(column[active]):
                found.append(Condition(factor.name, "=", str(level), active & (column == level)))
    return [c for c in found if LEAST_RUNS <= int(c.holds.sum()) <= len(frame) - LEAST_RUNS]


def _best_rule(frame: Frame, outcome: str, target: Mask, left: Mask, alpha: float) -> Rule | None:
    conditions = conditions_of(frame.rows(left))
    if not conditions:
        return None
    bad = target[left].astype(float)
    holds = np.stack([condition.holds for condition in conditions]).astype(float)
    runs_inside = holds @ holds.T
    bad_inside = (holds * bad) @ holds.T
    gain = log_likelihood_gain(bad_inside, runs_inside, bad.sum(), len(bad))
    size = len(conditions)
    singles = np.diag(gain) - np.log(size)
    upper = np.triu(np.ones((size, size), bool), 1)
    factors = np.array([condition.factor for condition in conditions])
    # Two conditions on one factor are one: a level excludes the others, and one threshold implies the other.
    upper &= factors[:, None] != factors[None, :]
    pairs = np.where(upper & (runs_inside >= LEAST_RUNS), gain - np.log(max(1, int(upper.sum()))), -np.inf)
    best_single, best_pair = int(np.argmax(singles)), np.unravel_index(int(np.argmax(pairs)), pairs.shape)
    chosen = (
        (conditions[best_single],)
        if singles[best_single] >= pairs[best_pair]
        else (conditions[int(best_pair[0])], conditions[int(best_pair[1])])
    )
    evidence = float(max(singles[best_single], pairs[best_pair]))
    if not np.isfinite(evidence) or evidence < float(chi2.isf(alpha, 1)) / 2:
        return None
    inside = np.logical_and.reduce([condition.holds for condition in chosen])
    whole = [_over_all(frame, condition) for condition in chosen]
    return Rule(
        outcome,
        tuple(whole),
        (int(bad[inside].sum()), int(inside.sum())),
        (int(bad[~inside].sum()), int((~inside).sum())),
        float(bad[inside].sum() / max(1, int(target.sum()))),
        evidence,
    )


def _over_all(frame: Frame, condition: Condition) -> Condition:
    """The same condition over all runs of `frame`."""
    column = frame.levels[condition.factor]
    if condition.sign == "=":
        return Condition(condition.factor, "=", condition.level, np.asarray(column == condition.level))
    numbers = column.astype(float)
    threshold = float(condition.level)
    with np.errstate(invalid="ignore"):
        holds = numbers > threshold if condition.sign == ">" else numbers < threshold
    return Condition(condition.factor, condition.sign, condition.level, holds)


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
    low, high = proportion_confint(bad, runs, method="wilson")
    return bad / runs, float(low), float(high)
