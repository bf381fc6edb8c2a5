"""Which factors a failure rule convicts: a second, sharper test for the failures than that of a linear model."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2, fisher_exact

from backtrack.evidence.failures.failure_rules import LEAST_CASES, Rule, conditions_of, failure_rules, where
from backtrack.evidence.frame import Frame, Mask

# A factor is judged by a linear model and by the rules, and may be active by either: each has half of the error rate.
WAYS = 2


def convicted(frame: Frame, alpha: float) -> dict[str, tuple[float, Rule]]:
    """`{factor: (p, rule)}` for the factors of the failure rules that were found; p is adjusted for the whole search.

    Failures mostly come from one level, two levels together, or beyond a threshold: what a search over such rules
    sees in a few runs, an average over all other factors' levels blurs. A factor takes part in a rule by chance when
    the whole rule is chance, or when the rest of it is true and this condition adds nothing. So p is the larger of

    - the rule's own p-value, with the price of the search over all rules of its length (`failure_rules`);
    - Fisher's exact test of the condition among the runs where the rule's other condition holds (all, where there is
      none), times the number of conditions that were tried (Bonferroni);

    times the number of outcomes that were searched.

    Args:
        frame: runs that are a fair sample of failures.
        alpha: error rate of the search.
    """
    counts = {outcome: int((frame.outcome == outcome).sum()) for outcome in np.unique(frame.outcome).tolist()}
    searched = [outcome for outcome, count in counts.items() if outcome != "ok" and count >= LEAST_CASES]
    found: dict[str, tuple[float, Rule]] = {}
    for outcome in searched:
        target = frame.outcome == outcome
        left: Mask = np.asarray(target | ~frame.failed)
        for rule in failure_rules(frame, outcome, alpha):
            tried = len(conditions_of(frame.rows(left)))
            whole = float(chi2.sf(2 * rule.evidence, 1))
            for condition in rule.conditions:
                others = [where(frame, other) for other in rule.conditions if other is not condition]
                among = np.logical_and.reduce([left, *others])
                own = _adds(where(frame, condition)[among], target[among]) * tried
                p = min(1.0, max(whole, own) * len(searched))
                if condition.factor not in found or p < found[condition.factor][0]:
                    found[condition.factor] = p, rule
            left = left & ~rule.holds
    return found


def _adds(holds: Mask, bad: Mask) -> float:
    table = [[int((side & bad).sum()), int((side & ~bad).sum())] for side in (holds, ~holds)]
    return float(fisher_exact(table, alternative="greater").pvalue)
