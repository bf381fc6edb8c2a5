"""The loss asks for something else: the metric falls with it, or weights are left over that it does not depend on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from backtrack.evidence.checkup.case import UNTRAINED, Case
from backtrack.evidence.checkup.memorised import SHUFFLED, is_much
from backtrack.evidence.checkup.repairs import tried
from backtrack.vocabulary.finding import Finding

LOSS_APART = "loss_apart"
# What may be meant, and is a cause only of a training that learns nothing: weights that nothing asks for, and answers
# that no output can give.
LEFT_OVER = ("parameters_without_gradient", "one_sided_scores")
# What to do where the labels are learnt, and where one answer for all may be.
OTHER_LABELS = (
    "the labels of the loss are learnt, and the metric counts something else, or of other inputs: compare both for one "
    "example (are inputs prepared alike and read in one direction where the net is trained and where it is judged; is "
    "an answer the index of the largest output or that output itself, over which axis, at which threshold; is a sign "
    "turned round; are classes numbered alike in both; is it the same step, the same order)"
)
LESS_THAN_LABELS = (
    "look for what makes the loss smallest: one output for all (pairs that are all alike, targets that are all the "
    "same, a term without its counterpart), a mask the wrong way round, a sign, or another order of outputs and targets"
)
# Untrained nets from which on a training is said to end below them.
LEAST = 2


def taken_away(case: Case) -> Finding | None:
    """What is wrong where every run ends below every untrained net, and its loss below theirs; None where not so.

    Of a share of right answers, whose scale is known: a return of an untrained agent is all luck. Of an error where no
    report of any run is better: one that learns its training set by heart begins with what holds for other data.
    """
    finals = [case.score(run) for run in case.first]
    nets = [run for run in case.controls if run.changes[0][0] == UNTRAINED]
    begun = [loss for run in nets for loss in run.losses if math.isfinite(loss)]
    ended = [run.losses[-1] for run in case.first if run.losses]
    if len(nets) < LEAST or not begun or not finals or len(ended) < len(finals):
        return None
    worst = min(nets, key=case.score)
    low = case.score(worst)
    known = worst.value is not None and math.isfinite(case.untrained_score)
    if not known or not max(finals) < low or not max(ended) < min(begun):
        return None
    if case.mode == "min" and _was_better(case, low):
        return None
    values = [run.value for run in case.first if run.value is not None]
    return Finding(
        LOSS_APART,
        place="the loss",
        measured=f"untrained nets reach {worst.value:.3g} {'and less' if case.mode == 'min' else 'and more'}, training "
        f"takes them to {median(values):.3g}, and the loss falls all the while: what it asks for is not what the "
        "metric counts, or what is judged is prepared otherwise than what is trained on",
        expected="a metric that gets better as the loss falls",
        remedy=OTHER_LABELS if _learns_labels(case, ended) else LESS_THAN_LABELS,
    )


def _was_better(case: Case, low: float) -> bool:
    """Whether any report of a run as written, or any changed run at its end, is as good as an untrained net."""
    reports = (case.scored(value) for run in case.written for value in run.reports)
    return max([*reports, *map(case.score, tried(case))], default=-math.inf) >= low


def left_over(case: Case, apart: bool) -> list[Finding]:
    """Weights that the loss does not depend on, and what no output can say, where no run as written learns anything.

    Or where what is learnt does not show in the metric (`apart`): it may be made of what these give.
    """
    if not apart and any(case.learnt(run) for run in case.first):
        return []
    return [case.unusual[check] for check in LEFT_OVER if check in case.unusual]


def _learns_labels(case: Case, ended: Sequence[float]) -> bool:
    """Whether the loss falls by what the labels tell: where they are shuffled anew each time, it does not."""
    controls = [run.losses[-1] for run in case.controls if run.changes[0][0] == SHUFFLED and run.losses]
    return bool(controls) and is_much(median(ended), median(controls))


def lost_on_the_way(sign: str, seen: Finding | None, place: str) -> Finding:
    """What is wrong where nothing comes through a net, and a layer beside it learns what is asked.

    Args:
        sign: that nothing comes through.
        seen: what a check says of it; None where a symptom shows it.
        place: where the net is narrowest; empty where it is not narrow.
    """
    return Finding(
        sign,
        place=seen.place if seen is not None else place or "the model",
        measured=f"{seen.measured if seen is not None else sign.replace('_', ' ')}; a layer beside the net learns what "
        "is asked, so data, loss and optimiser do their part, and it is the way through the net that loses what comes "
        "in",
        expected="outputs that depend on the inputs",
        remedy=(f"{seen.remedy}; " if seen is not None else "") + "look on the way from inputs to outputs: masks "
        "(what do they let through?), layers behind which few numbers are left, activations that are off, many layers "
        "without residual connections",
    )
