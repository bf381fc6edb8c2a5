"""Which factors a failure rule convicts: a second, sharper test for the failures than that of a linear model."""

from __future__ import annotations

from backtrack.evidence.failures.failure_rules import Rule, all_failure_rules
from backtrack.evidence.frame import Frame

# A factor is judged by a linear model and by the rules, and may be active by either: each has half of the error rate.
WAYS = 2


def convicted(frame: Frame, alpha: float) -> dict[str, tuple[float, Rule]]:
    """`{factor: (p, rule)}` for the factors of the failure rules that were found; p is adjusted for the whole search.

    Failures mostly come from one level, two levels together, or beyond a threshold: what a search over such rules
    sees in a few runs, an average over all other factors' levels blurs. A factor takes part in a rule by chance when
    the whole rule is chance, or when the rest of it is true and this condition adds nothing. So p is the larger of the
    rule's own p-value and that of the condition among the runs where the rule's other conditions hold (`Rule`).

    Args:
        frame: runs that are a fair sample of failures.
        alpha: error rate of the search.
    """
    found: dict[str, tuple[float, Rule]] = {}
    for rule in all_failure_rules(frame, alpha):
        for condition, adds in zip(rule.conditions, rule.adds, strict=True):
            p = min(1.0, max(rule.p, adds))
            if condition.factor not in found or p < found[condition.factor][0]:
                found[condition.factor] = p, rule
    return found
