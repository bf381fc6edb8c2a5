"""The training set is learnt by heart, and nothing of it carries over: what somebody should look at then."""

from __future__ import annotations

import math
from statistics import median

from backtrack.evidence.checkup.case import Case, CheckedRun


def memorised(case: Case) -> tuple[float, float] | None:
    """(training loss as written, training loss with labels shuffled anew for each batch), or None.

    Labels that are shuffled anew cannot be learnt at all. Where the labels as they are can be, and no change brings the
    metric away from chance, the net and its optimiser work: it is the labels that tell nothing about new inputs.
    """
    own = [loss for run in case.first for loss in _last_half(run)]
    controls = [loss for run in case.controls for loss in _last_half(run)]
    if not own or not controls or any(case.learnt(run) for run in case.runs):
        return None
    return (median(own), median(controls)) if median(own) < min(controls) else None


def _last_half(run: CheckedRun) -> list[float]:
    losses = [loss for loss in run.losses if math.isfinite(loss)]
    return losses[len(losses) // 2 :] if len(losses) > 1 else []
