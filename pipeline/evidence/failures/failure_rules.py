"""Which levels make trainings fail: rules for failure as such, then for what is left of each kind of failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest, chi2_contingency, fisher_exact

from backtrack.evidence.failures.candidates import LEAST_RUNS, Candidate, as_condition, candidates, where
from backtrack.evidence.failures.rule_search import Found, best_division
from backtrack.evidence.frame import Frame, Mask
from backtrack.vocabulary.conditions import Condition
from backtrack.vocabulary.config import Level
from backtrack.vocabulary.factors import Numeric

MOST_RULES = 6
# Of the error rate, for rules of failing in any way where there are several outcomes; the rest is for each of these.
ANY_WAY = 0.75
# An outcome belongs to a rule where at least this share of the failures inside have it.
LEAST_OUTCOME_SHARE = 0.1
# A condition only amplifies where the rest fails without it more often than elsewhere, this surely; levels of a set
# lead to outcomes of their own where the outcomes differ between them this surely.
SURE = 0.01


@dataclass(frozen=True)
class Rule:
    """Conditions under which trainings fail far more often than elsewhere.

    Args:
        outcomes: what it leads to, the most frequent first.
        conditions: all must hold.
        inside: (failures, runs) where they hold; every run counts, however it ended.
        outside: (failures, runs) elsewhere; runs that an earlier rule covers left out.
        share: of all runs with these outcomes, those inside.
        evidence: natural log of the likelihood ratio against "no rule", less the price of the search.
        p: exact, adjusted for everything that was searched.
        adds: for each condition the p-value of what it adds to the others, adjusted for all conditions.
        holds: (n,) where all conditions hold.
        amplifiers: conditions under which the rule fails more often, and without which it fails too.
        error: kind of the crash, where all failures inside crashed alike.
    """

    outcomes: tuple[str, ...]
    conditions: tuple[Condition, ...]
    inside: tuple[int, int]
    outside: tuple[int, int]
    share: float
    evidence: float
    p: float
    adds: tuple[float, ...]
    holds: Mask
    amplifiers: tuple[Condition, ...] = ()
    error: str = ""

    @property
    def outcome(self) -> str:
        """What it leads to most."""
        return self.outcomes[0]

    @property
    def cause(self) -> tuple[str, ...]:
        """The conditions as text."""
        return tuple(str(condition) for condition in self.conditions)

    def met_by(self, config: Mapping[str, Level]) -> bool:
        """Whether all its conditions hold in a config."""
        return all(condition.met_by(config) for condition in self.conditions)


@dataclass(frozen=True)
class _Search:
    """One search for rules among the runs of a study.

    Args:
        frame: all runs.
        target: (n,) the failures that it is for.
        outcomes: that these may have; None for any.
        alpha: its error rate.
        of_alpha: its share of the whole error rate.
    """

    frame: Frame
    target: Mask
    outcomes: tuple[str, ...] | None
    alpha: float
    of_alpha: float

    def best(self, left: Mask) -> Rule | None:
        """The best rule on the runs `left`, (n,); None where chance could make it."""
        bad = self.target[left]
        asked = candidates(self.frame.rows(left), bad)
        found = best_division(asked, bad)
        if found is None or found.p >= self.alpha:
            return None
        conditions, amplifiers = self._without_amplifiers([one.condition for one in found.chosen], left)
        return self._rule(conditions, amplifiers, left, found, asked)

    def greedy(self, left: Mask, most: int) -> list[Rule]:
        """Rules one after another, each on the runs that the earlier ones do not cover."""
        rules: list[Rule] = []
        while len(rules) < most and (self.target & left).any():
            rule = self.best(left)
            if rule is None:
                break
            rules.append(rule)
            left = left & ~rule.holds
        return rules

    def refitted(self, rules: Sequence[Rule]) -> list[Rule]:
        """Each rule found once more without the runs of the others: the first ones were found among their failures."""
        kept = list(rules)
        for number in range(len(kept) if len(kept) > 1 else 0):
            others = [rule.holds for place, rule in enumerate(kept) if place != number]
            again = self.best(~np.logical_or.reduce(others))
            if again is not None:
                kept[number] = again
        return kept

    def _rule(
        self,
        conditions: Sequence[Condition],
        amplifiers: Sequence[Condition],
        left: Mask,
        found: Found,
        asked: Sequence[Candidate],
    ) -> Rule:
        masks = [where(self.frame, condition) for condition in conditions]
        holds = np.logical_and.reduce(masks)
        outcomes = self.outcomes or _leads_to(self.frame, holds & left, ~holds & left)
        bad = self.target & np.isin(self.frame.outcome, outcomes)
        crashes = set(self.frame.rows(bad & holds).crash.tolist())
        shares = {str(candidate.condition): candidate.share for candidate in asked}
        return Rule(
            outcomes=outcomes,
            conditions=tuple(conditions),
            inside=(int((bad & holds & left).sum()), int((holds & left).sum())),
            outside=(int((bad & ~holds & left).sum()), int((~holds & left).sum())),
            share=float((bad & holds).sum() / max(1, int(bad.sum()))),
            evidence=found.evidence,
            p=min(1.0, found.p / self.of_alpha),
            adds=tuple(
                _adds(mask, np.logical_and.reduce([left, *(m for m in masks if m is not mask)]), self.target)
                / (self.of_alpha * shares.get(str(condition), min(shares.values())))
                for condition, mask in zip(conditions, masks, strict=True)
            ),
            holds=holds,
            amplifiers=tuple(amplifiers),
            error=crashes.pop() if len(crashes) == 1 else "",
        )

    def _without_amplifiers(
        self, conditions: Sequence[Condition], left: Mask
    ) -> tuple[list[Condition], list[Condition]]:
        """The conditions that are needed, and those without which the rest fails too, only less often."""
        kept, amplifiers = list(conditions), []
        while len(kept) > 1:
            weakest = min(((self._fails_without(kept, one, left), n) for n, one in enumerate(kept)), default=(1.0, 0))
            if weakest[0] >= SURE:
                break
            amplifiers.append(kept.pop(weakest[1]))
        return kept, amplifiers

    def _fails_without(self, conditions: Sequence[Condition], one: Condition, left: Mask) -> float:
        """p-value of: where the other conditions hold and this one does not, runs fail no more often than elsewhere."""
        rest = np.logical_and.reduce([left, *(where(self.frame, c) for c in conditions if c is not one)])
        beyond = rest & ~where(self.frame, one)
        if isinstance(self.frame.space[one.factor], Numeric) and beyond.any():
            # Just beyond a threshold runs may fail because it lies elsewhere: only the farther half counts.
            numbers = np.abs(self.frame.levels[one.factor].astype(float) - one.number)
            beyond = beyond & (numbers >= np.nanmedian(numbers[beyond]))
        elsewhere = left & ~rest
        failed = int((self.target & beyond).sum())
        if failed < 2 or not elsewhere.any():
            return 1.0
        table = [
            [failed, int((beyond & ~self.target).sum())],
            [int((self.target & elsewhere).sum()), int((elsewhere & ~self.target).sum())],
        ]
        return float(fisher_exact(table, alternative="greater").pvalue)


def all_failure_rules(frame: Frame, alpha: float = 0.05) -> list[Rule]:
    """The failure rules of a study, the surest first; of studies with chance failures only, at most `alpha` have one.

    First rules for failing in any way: one cause may lead to several outcomes. Then rules for each outcome, and for
    each kind of crash; those stand that explain runs which the first ones leave. `ANY_WAY` says how the error rate is
    shared.

    Args:
        frame: the runs.
        alpha: error rate of the whole search.
    """
    kinds = np.where(frame.outcome == "crashed", np.char.add("crashed ", frame.crash), frame.outcome)
    names = [kind for kind in np.unique(kinds[frame.failed]).tolist() if kind]
    if not names:
        return []
    several = len(names) > 1
    share = ANY_WAY if several else 1.0
    any_way = _Search(frame, frame.failed, None, alpha * share, share)
    found = [(rule, frame.failed) for rule in any_way.refitted(any_way.greedy(np.ones(len(frame), bool), MOST_RULES))]
    found = [(part, failed) for rule, failed in found for part in _split_by_outcome(frame, rule)]
    found.sort(key=lambda row: (-row[0].evidence, row[0].cause))
    for kind in names if several else ():
        each = (1 - share) / len(names)
        search = _Search(frame, kinds == kind, (kind.partition(" ")[0],), alpha * each, each)
        found += [(rule, search.target) for rule in search.greedy(np.ones(len(frame), bool), MOST_RULES)]
    rules: list[Rule] = []
    left = np.ones(len(frame), bool)
    for rule, target in found:
        # What an earlier rule explains is no other cause; nor are a few runs beside its threshold.
        own = int((rule.holds & left & target).sum())
        signs = _signs(rule)
        beside = signs is not None and any(signs == _signs(known) for known in rules)
        if len(rules) < MOST_RULES and not beside and own >= LEAST_RUNS and _adds(rule.holds, left, target) < SURE:
            rules.append(rule)
            left = left & ~rule.holds
    return sorted(rules, key=lambda rule: (-rule.evidence, rule.cause))


def _signs(rule: Rule) -> set[tuple[str, str]] | None:
    """The factors of a rule of thresholds, with their sides; None where it has other conditions."""
    if any(condition.sign not in ("<", ">") for condition in rule.conditions):
        return None
    return {(condition.factor, condition.sign) for condition in rule.conditions}


def _leads_to(frame: Frame, inside: Mask, outside: Mask) -> tuple[str, ...]:
    """The outcomes that failures inside have, and more often than outside; the most frequent first."""
    counts = Counter(frame.outcome[inside & frame.failed].tolist())
    total = sum(counts.values())
    common = sorted(counts, key=lambda outcome: (-counts[outcome], outcome))
    return tuple(
        outcome
        for place, outcome in enumerate(common)
        if place == 0
        or (
            counts[outcome] >= LEAST_OUTCOME_SHARE * total
            and counts[outcome] / inside.sum() > (frame.outcome[outside] == outcome).mean()
        )
    )


def _split_by_outcome(frame: Frame, rule: Rule) -> list[Rule]:
    """A rule on a set of levels that lead to outcomes of their own, as one rule for each outcome."""
    for number, condition in enumerate(rule.conditions):
        factor = frame.space[condition.factor]
        if len(rule.outcomes) < 2 or isinstance(factor, Numeric):
            continue
        levels = [level for level in factor.levels if condition.means(level)]
        if len(levels) < 2:
            continue
        inside = [rule.holds & where(frame, Condition(condition.factor, "=", level)) for level in levels]
        table = np.array([[int((mask & (frame.outcome == one)).sum()) for one in rule.outcomes] for mask in inside])
        seen = table.sum(1) > 0
        if seen.sum() < 2 or chi2_contingency(table[seen]).pvalue >= SURE:
            continue
        main = {
            level: rule.outcomes[int(np.argmax(row))] for level, row in zip(levels, table, strict=True) if row.sum()
        }
        if len(set(main.values())) < 2:
            continue
        parts = []
        for outcome in dict.fromkeys(main.values()):
            own = as_condition(factor, list(factor.levels), [level for level in levels if main.get(level) == outcome])
            conditions = (*rule.conditions[:number], own, *rule.conditions[number + 1 :])
            holds = rule.holds & where(frame, own)
            bad = frame.outcome == outcome
            parts.append(
                replace(
                    rule,
                    outcomes=(outcome,),
                    conditions=conditions,
                    holds=holds,
                    inside=(int((bad & holds).sum()), int(holds.sum())),
                    outside=(int((bad & ~rule.holds).sum()), int((~rule.holds).sum())),
                    share=float((bad & holds).sum() / max(1, int(bad.sum()))),
                )
            )
        return parts
    return [rule]


def _adds(holds: Mask, among: Mask, bad: Mask) -> float:
    """Fisher's exact p-value of a condition among some runs."""
    sides = [[int((side & bad & among).sum()), int((side & ~bad & among).sum())] for side in (holds, ~holds)]
    return float(fisher_exact(sides, alternative="greater").pvalue)


def rate_interval(bad: int, runs: int) -> tuple[float, float, float]:
    """A failure rate with its 95 % Wilson interval: (rate, low, high); unknown (0 to 1) without runs."""
    if runs == 0:
        return float("nan"), 0.0, 1.0
    interval = binomtest(bad, runs).proportion_ci(method="wilson")
    return bad / runs, float(interval.low), float(interval.high)
