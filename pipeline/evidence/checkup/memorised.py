"""The training set is learnt by heart, and nothing of it carries over: what somebody should look at then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median

from backtrack.evidence.checkup.case import HELD_BACK, ONE_BATCH, UNTRAINED, Case, Changes, CheckedRun, spelled
from backtrack.evidence.checkup.checks import is_beyond_training, sees_judging
from backtrack.evidence.checkup.of_a_few import asked_of_a_few, late_losses, of_a_few, says_nothing_of_others
from backtrack.evidence.checkup.repairs import tried
from backtrack.vocabulary.finding import WRONG, Finding
from backtrack.vocabulary.plan import PROOF

# Share of runs at chance that may lie beyond the bar of luck, and how many times its height none of them lies beyond.
LUCKY, FAR_BEYOND = 0.05, 2.0
# The control whose labels cannot be learnt; an untrained net says nothing of labels.
SHUFFLED = "labels"
# Share of what is learnt of trained examples that has to hold for those held back, to say that it carries over; and
# where a changed run or two went a little beyond chance.
CARRIED, CLEARLY = 0.2, 0.5
# A share of right answers may lie so far below what the loss says of it: see `_is_less_than_the_loss_says`.
MARGIN = 0.2
# So many of the last losses say what is learnt by heart: a long training has learnt little of it for long.
LAST = 6
# Share of a control's loss that has to be learnt by heart before anything is said, and before the metric is blamed:
# luck moves the losses of a few batches by more than the first.
LEAST, MUCH = 0.02, 0.2
# The share of it that a single batch has to lose.
A_BATCH = 0.5
# Where the training is too short to learn anything by heart, four times as long a one is asked; where the net is too
# narrow, one with a wide layer beside it.
LONGER, WIDER = ("length", "x4"), ("capacity", "beside")
# An error that is hardly less than that of a control, while the loss is less than a tenth of the control's.
HARDLY, TENTH = 0.8, 0.1
# Share of the runs with learnable labels that all end above each control where the metric does show what is learnt.
MOSTLY = 0.8
# An error has to follow the loss at least so far, and a metric with a best value so far on its way there; chance that
# is so near to the best leaves a metric no room to show it.
FOLLOWS, ON_ITS_WAY, NO_ROOM = 0.2, 0.5, 0.9
# What is wrong then: the labels, what the net is judged by, or one of the two.
LABELS, JUDGED, EITHER = "labels_without_inputs", "judged_apart", "labels_or_metric"


def memorised(case: Case) -> tuple[float, float] | None:
    """(training loss as written, training loss with labels shuffled anew for each batch), or None.

    Labels that are shuffled anew cannot be learnt at all. Where the labels as they are can be, and no change brings the
    metric away from chance, the net and its optimiser work: it is the labels that tell nothing about new inputs.
    """
    found = _by_heart(case)
    return None if found is None else found[1]


def asked_of_held_back(case: Case) -> Changes | None:
    """How a training is changed to ask whether what it learns by heart holds for new inputs; None: not at all."""
    found = _by_heart(case)
    return None if found is None else found[0]


def could_memorise(case: Case) -> Changes | None:
    """A longer training of a wider net that has not been run, where little of the training set is learnt by heart."""
    wanted = tuple(sorted(change for change in (LONGER, WIDER) if case.of((change,))))
    return wanted if wanted and not case.of(wanted) and learns_little(case) else None


def learns_little(case: Case) -> bool:
    """Whether little of the training set is learnt by heart, so that a few of its examples are asked instead."""
    found = _by_heart(case)
    return _luck(case) is not None and (found is None or not is_much(*found[1]))


def _by_heart(case: Case) -> tuple[Changes, tuple[float, float]] | None:
    """`(changes, (own loss, control's))` where the training set is learnt by heart: as written, or in a longer one.

    Where as written little of it is learnt, and much in a longer training, that one can be asked more.
    """
    controls = _luck(case)
    if controls is None:
        return None
    control = median(controls)
    least = min(min(controls), control - LEAST * abs(control))
    found: list[tuple[Changes, tuple[float, float]]] = []
    longer: list[Changes] = [(LONGER,), (WIDER,), (WIDER, LONGER)]
    for changes, runs in [((), case.first), *((one, case.of(one)) for one in longer)]:
        # A loss of 0 from the first report on, as one that compares outputs with themselves, asks for nothing.
        own = [loss for run in runs if any(run.losses) for loss in late_losses(run)[-LAST:]]
        if own and median(own) < least and not _is_shown(case, median(own), control):
            found.append((changes, (median(own), control)))
    return next((one for one in found if is_much(*one[1])), found[0] if found else None)


def _luck(case: Case) -> list[float] | None:
    """The training losses of the control whose labels cannot be learnt; None where nothing can be said of labels."""
    losses = [loss for run in case.at_chance if run.changes[0][0] == SHUFFLED for loss in late_losses(run)]
    # A loss that falls while a share of right answers falls below chance does not reward what is measured. (An error,
    # or a share of variance, falls below chance by all that is learnt by heart.) Nor is there anything to say where the
    # loss is written by hand and there may be no labels.
    by_hand = any(one.name == UNTRAINED and not one.on_suspicion for one in case.options) and case.open_ended
    apart = case.worse_than_chance and math.isfinite(case.ceiling) and not _is_judged_otherwise(case)
    return None if not losses or apart or by_hand else losses


def _is_judged_otherwise(case: Case) -> bool:
    """Whether a check saw that the net is judged by something else than it is trained on, though that may be meant."""
    return any(map(is_beyond_training, case.unusual))


def is_much(own: float, control: float) -> bool:
    """Whether a training loss is so far below a control's that much of the labels is learnt."""
    return control - own >= MUCH * abs(control)


def not_carried_over(case: Case) -> Finding | None:
    """What is wrong where the training set, or a few of its examples, is learnt and the metric shows nothing of it."""
    return _of_the_set(case) or _of_a_few(case)


def _of_a_few(case: Case) -> Finding | None:
    found = asked_of_a_few(case, _luck(case) or [])
    # (Two of the first three may lie beyond the bar by luck, where all seeds are judged by the same examples.)
    learnt = sum(map(case.learnt, case.written)) * 2 > len(case.written)
    if found is None or not says_nothing_of_others(*found) or learnt or _carries_over(case):
        return None
    return None if _is_mostly_better(case) or has_no_room(case) else of_a_few(*found, LABELS)


def _of_the_set(case: Case) -> Finding | None:
    """What is wrong where the training set is learnt and the metric shows nothing of it; None where that is not so.

    Training examples that were held back tell labels from metric: labels that depend on inputs can be told of these.
    """
    beyond = [run for run in case.runs if case.is_beyond_a_share(run)]
    # Where any other run comes near to 1, the metric is right as it is written, and a changed batch size breaks it.
    if beyond and not any(case.is_half_way(run) for run in case.runs if run not in beyond):
        return _of_the_metric(case, beyond)
    found = _by_heart(case)
    if found is None:
        return None
    changes, (own, control) = found
    asked = case.probe(HELD_BACK, changes)
    usual, held = _held(asked)
    learnt = _said_of(changes, own, control)
    much = is_much(own, control)
    little = _carries_over(case)
    if math.isnan(held) and (little or not much or case.worse_than_chance):
        return None
    # What is held back is told better and better, and a long training is looked at less and less often.
    ends = late_losses(asked)[-LAST:] if asked is not None else []
    last = fmean(ends) if ends else math.nan
    if _is_learnt(case) and not _is_less_than_the_loss_says(case, last, control):
        return None
    if math.isnan(held):
        return None if _is_mostly_better(case) or has_no_room(case) else _of_either(learnt)
    says = (
        f"by a loss of {last:.3g} at least {1 - last / math.log(2):.0%} of the answers are right, and the metric tells "
        "of less"
        if case.is_share
        else "the metric is hardly better than one of nothing learnt"
    )
    shown = (
        says
        if _is_learnt(case)
        else "as written the metric shows nothing of it, and little whatever is changed"
        if little
        else "the metric shows nothing of it, whatever is changed"
    )
    if control - held > (CLEARLY if little else CARRIED) * (control - own):
        follows = _is_mostly_better(case) and _follows(case, held, control)
        return _of_the_judging(case, shown, held, control) if much and not follows else None
    if little or _is_mostly_better(case) or has_no_room(case):
        return None
    # Where few of the losses make their mean, what is held back is usually told, or it is not.
    if control - usual > CLEARLY * (control - own):
        return _of_either(learnt)
    # A net that cannot say what labels ask for learns a little by heart, too, and nothing that holds for others.
    if not much and not _learns_a_batch(case, control):
        return None
    return _of_the_labels(learnt, held, another_net=WIDER in changes)


def _is_mostly_better(case: Case) -> bool:
    """Whether nearly every run, whatever was changed, ends above all that the control's labels let it reach.

    One that does so by luck says little, and many together do not: their labels tell of something, though of so little
    that no single run lies beyond the bar.
    """
    luck = [case.score(run) for run in case.at_chance]
    # Where controls end at one answer for all, each of another class, luck reaches what a guess does.
    top = max([*luck, case.chance_score])
    finite = [score for score in map(case.score, [*tried(case), *case.written]) if math.isfinite(score)]
    return bool(luck) and sum(score > top for score in finite) >= MOSTLY * max(1, len(finite))


def _follows(case: Case, held: float, control: float) -> bool:
    """Whether a metric gets better by so much as the loss of held-back examples does, or a part of that.

    Of an error, the share by which it is smaller is compared with that of the loss's root; of a metric that has a best
    value, its way there with the loss's way to zero; of another, nothing tells how far it should move.
    """
    reached = median(case.score(run) for run in case.first)
    left = max(0.0, held) / control if control > 0 else 0.0
    if math.isfinite(case.ceiling):
        return case.share(reached, case.ceiling) >= ON_ITS_WAY * (1 - left)
    if case.mode != "min":
        return True
    luck, own, by_loss = -case.chance_score, -reached, 1 - math.sqrt(left)
    return luck > 0 and 1 - own / luck > FOLLOWS * by_loss


def has_no_room(case: Case) -> bool:
    """Whether a training that learns nothing reaches nearly the best that there is, and no run clearly more."""
    near = math.isfinite(case.ceiling) and case.chance_score >= NO_ROOM * case.ceiling
    return near and not any(map(case.is_half_way, case.runs))


def _held(asked: CheckedRun | None) -> tuple[float, float]:
    """The median loss of what was held back, and the mean where it is larger; not a number where nothing was.

    Of what is not known a few answers are wrong with great certainty: the mean tells of them, and the median does not.
    """
    losses = late_losses(asked) if asked is not None else []
    return (median(losses), max(median(losses), fmean(losses))) if losses else (math.nan, math.nan)


def _of_either(learnt: str) -> Finding:
    """What is learnt by heart is not shown, and nothing tells labels from metric."""
    return Finding(
        EITHER,
        place="the data",
        measured=f"{learnt}, and the metric shows nothing of it, whatever is changed: the labels do not depend on "
        "what the net gets, or the metric is not of what is learnt, or of inputs that are prepared otherwise",
        expected="a metric that follows the loss",
        remedy="look at inputs and labels side by side, first those of training, then those of the metric",
    )


def _is_turned_round(case: Case) -> bool:
    """Whether luck would be right more than twice as often, or make smaller errors."""
    if case.mode == "min" and not case.open_ended:
        return case.worse_than_chance
    ends = [case.score(run) for run in case.first]
    return math.isfinite(case.ceiling) and bool(ends) and 2 * median(ends) < case.chance_score


def _of_the_judging(case: Case, shown: str, held: float, control: float) -> Finding:
    """What is learnt holds for examples that were held back, and the metric tells of less."""
    # What may be meant elsewhere is the first to look at here.
    seen = next((one for check, one in case.unusual.items() if sees_judging(check)), None)
    holds = (
        f"what is learnt holds for training examples that are held back (loss {held:.3g}; with labels shuffled anew "
        f"each time {control:.3g})"
    )
    if seen is not None:
        return replace(seen, check=JUDGED, measured=f"{holds}, and {shown}: {seen.measured}", weight=WRONG)
    if _is_turned_round(case):
        errors = case.mode == "min"
        than_luck = "its errors are larger than those of luck" if errors else "fewer answers are right than by luck"
        other = "is in other units (a logarithm, a scale)" if errors else "is of classes that are not trained"
        return Finding(
            JUDGED,
            place="the validation",
            measured=f"{holds}, and {than_luck}: outputs or labels are turned round between the loss and the metric, "
            f"or what is judged {other}",
            expected="a metric that follows the loss",
            remedy="compare both for one example: a sign (is the loss given -output), an argmin for an argmax, 0 and 1 "
            "exchanged, classes in another order; and the classes of both sets",
        )
    return Finding(
        JUDGED,
        place="the validation",
        measured=f"{holds}, and {shown}: it is computed wrongly, in other units than the targets of the loss (a "
        "logarithm, a scale), of other data than the net was trained on (other classes, "
        "inputs that were treated otherwise, labels that are not theirs), of a net that is asked otherwise than it "
        "trains (without the answers before, step by step), or blind to it, as right answers are where one class is "
        "rare",
        expected="a metric that follows the loss",
        remedy="look at how the metric is computed (over which axis, at which threshold, of which model), and at "
        "its inputs and labels: are all of its classes in the training set",
    )


def _of_the_labels(learnt: str, held: float, another_net: bool) -> Finding:
    """Nothing of what is learnt by heart holds for examples that were held back."""
    # What a wider net learns by heart may drown the little that a smaller one could tell.
    less = ", or by less than so few examples show" if another_net else ""
    return Finding(
        LABELS,
        place="the data",
        measured=f"{learnt}, and nothing carries over, whatever is changed (training examples that are held back: "
        f"{held:.3g}): the labels do not depend on the inputs{less}",
        expected="labels that belong to their inputs",
        remedy="look at inputs and labels side by side: are both shuffled, sorted or cut alike",
    )


def _said_of(changes: Changes, own: float, control: float) -> str:
    ways = {WIDER: "with a wide layer beside the net", LONGER: "in four times the training"}
    said = " and ".join(text for change, text in ways.items() if change in changes)
    shuffled = f"with labels shuffled anew each time {control:.3g}"
    part = "" if is_much(own, control) else "a little of "
    return f"{said}{' ' if said else ''}{part}the training set is learnt by heart (loss {own:.3g}; {shuffled})"


def _of_the_metric(case: Case, beyond: Sequence[CheckedRun]) -> Finding:
    """A share of right answers that comes out above 1 in a changed run is computed wrongly in every other as well."""
    run = max(beyond, key=lambda one: one.value or 0.0)
    return Finding(
        JUDGED,
        place="the validation",
        measured=f"with {spelled(run.changes)} the metric comes out as {run.value:.3g}, and a share of right answers "
        f"is never above {case.largest_share:g}: it is computed wrongly",
        expected="a share between 0 and 1",
        remedy="look at how the metric is computed: over which axis predictions are taken, what they are compared "
        "with, and what the count is divided by",
    )


def _is_less_than_the_loss_says(case: Case, loss: float, control: float) -> bool:
    """Whether a metric tells of less than the loss of examples like its own.

    Of a share of right answers that is so by count. Each wrong answer has a probability of at most a half for the right
    one, and adds log 2 or more: of a mean loss L at least 1 - L / log 2 of the answers are right. Where the control's
    loss breaks that rule, it is no such loss.
    """
    values = [run.value for run in case.first if run.value is not None and math.isfinite(run.value)]
    luck = [run.value for run in case.at_chance if run.value is not None and math.isfinite(run.value)]
    if case.mode == "min":
        # An error is as much smaller than without learning as the loss is, or about its root.
        known = bool(values and luck) and not case.open_ended and not any(map(case.is_half_way, case.runs))
        return known and 0 <= loss < TENTH * control and min(values) > HARDLY * median(luck)
    if not case.is_share or not math.isfinite(case.ceiling) or not values or not luck or math.isnan(loss):
        return False
    if any(map(case.is_half_way, case.runs)) or 1 - control / math.log(2) > median(luck) / case.ceiling:
        return False
    return 1 - loss / math.log(2) - MARGIN > max(values) / case.ceiling


def _is_learnt(case: Case) -> bool:
    return sum(case.learnt(run) for run in case.first) * 2 > len(case.first)


def _is_shown(case: Case, own: float, control: float) -> bool:
    """Whether the metric shows what is learnt: as written, or half of the way to the best it can be in changed runs.

    A net that has learnt its training set, and what it is about, does not stop at a trace of it: a threshold that is
    off, or a copy that lags, lets a changed run a little beyond chance. Nor does one say much that has a change of
    which fresh seeds show that it does nothing, as a rate that breaks the net.
    """
    if _is_learnt(case):
        return not _is_less_than_the_loss_says(case, own, control)
    if _is_judged_otherwise(case):
        # Where inputs are told as others, a net that has learnt less may come nearer to what is usual there.
        return False
    bounded = math.isfinite(case.ceiling) or (case.mode == "min" and not case.open_ended)
    if not bounded:
        return _carries_over(case)
    proven = {run.changes for run in case.runs if run.part == PROOF and run.changes}
    idle = [set(one) for one in proven if not any(map(case.is_half_way, case.of(one, PROOF)))]
    return any(case.is_half_way(run) and not any(one <= set(run.changes) for one in idle) for run in case.runs)


def _carries_over(case: Case) -> bool:
    """Whether any run learnt something that holds for new inputs.

    Of many runs at chance one or another lies beyond the bar of luck, which is made for a single run: so few do, and so
    little beyond, that nothing is learnt.
    """
    beyond = [case.score(run) for run in case.runs if case.learnt(run)]
    if not beyond:
        return False
    height = case.bar - case.chance_score
    often = len(beyond) > max(1.0, LUCKY * len(case.runs)) or max(beyond) > case.chance_score + FAR_BEYOND * height
    # Two controls of a few reports say little of how far luck reaches: the runs as written reached no further.
    luck = [*case.luck, *(case.scored(value) for run in case.written for value in run.reports)]
    return often and max(beyond) > 2 * max(luck) - median(luck)


def _learns_a_batch(case: Case, control: float) -> bool:
    """Whether the net learns its first batch by heart, trained on nothing else: it can say what labels ask for."""
    found = of_one_batch(case)
    return found is not None and control - found[1] >= A_BATCH * abs(control)


def of_one_batch(case: Case) -> tuple[float, float] | None:
    """Training loss where reports begin, and at the end of the run on its first batch alone; None for none.

    Where each batch is all there is, that run is the training as written, and says no more.
    """
    asked = case.probe(ONE_BATCH)
    if asked is None or any(run.losses == asked.losses for run in case.first):
        return None
    # Its first report may come when the batch is learnt: then those of the runs as written say where it began.
    begun = [run.losses[0] for run in case.first if run.losses and math.isfinite(run.losses[0])]
    return max([asked.losses[0], *([median(begun)] if begun else [])]), asked.losses[-1]
