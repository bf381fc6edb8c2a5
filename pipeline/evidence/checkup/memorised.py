"""The training set is learnt by heart, and nothing of it carries over: what somebody should look at then."""

from __future__ import annotations

import math
from statistics import median

from backtrack.evidence.checkup.case import Case, CheckedRun

# Share of runs at chance that may lie beyond the bar of luck, and how many times its height none of them lies beyond.
LUCKY, FAR_BEYOND = 0.05, 2.0
# The control whose labels cannot be learnt; an untrained net says nothing of labels.
SHUFFLED = "labels"


def memorised(case: Case) -> tuple[float, float] | None:
    """(training loss as written, training loss with labels shuffled anew for each batch), or None.

    Labels that are shuffled anew cannot be learnt at all. Where the labels as they are can be, and no change brings the
    metric away from chance, the net and its optimiser work: it is the labels that tell nothing about new inputs.
    """
    own = [loss for run in case.first for loss in _last_half(run)]
    controls = [loss for run in case.at_chance if run.changes[0][0] == SHUFFLED for loss in _last_half(run)]
    # A loss that falls while the metric falls below chance does not reward what is measured: nothing is said of labels.
    if not own or not controls or case.worse_than_chance or _carries_over(case):
        return None
    return (median(own), median(controls)) if median(own) < min(controls) else None


def _carries_over(case: Case) -> bool:
    """Whether any run learnt something that holds for new inputs.

    Of many runs at chance one or another lies beyond the bar of luck, which is made for a single run: so few do, and so
    little beyond, that nothing is learnt.
    """
    beyond = [case.score(run) for run in case.runs if case.learnt(run)]
    if not beyond:
        return False
    height = case.bar - case.chance_score
    return len(beyond) > max(1.0, LUCKY * len(case.runs)) or max(beyond) > case.chance_score + FAR_BEYOND * height


def _last_half(run: CheckedRun) -> list[float]:
    losses = [loss for loss in run.losses if math.isfinite(loss)]
    return losses[len(losses) // 2 :] if len(losses) > 1 else []
