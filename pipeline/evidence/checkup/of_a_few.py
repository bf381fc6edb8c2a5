"""What a net that trains on a few examples knows of others: nothing, where labels do not belong to their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from backtrack.evidence.checkup.case import Case, CheckedRun
from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.plan import TRIED

# The probe, and whose labels its loss is told by: those of the examples themselves, or of the few that are trained.
FEW, OWN, EXCHANGED = "few_examples", "own", "exchanged"
# Share by which the loss of other examples has to rise above a control's: then the few are learnt by heart.
LEARNT = 0.2
# Share of the loss by exchanged labels that the loss by own ones may lie below it, or above: the few have frequencies
# of their own, which are learnt as well. (Classes that the few do not have at all lie farther above.)
BELOW, ABOVE = 0.1, 0.3


def asked_of_a_few(case: Case, control: Sequence[float]) -> tuple[float, float, float] | None:
    """(loss of other examples by their own labels, by those of the few, the control's); None where it was not asked.

    Args:
        case: every run.
        control: training losses of the control whose labels cannot be learnt.
    """
    runs = {level: case.of(((FEW, level),), TRIED) for level in (OWN, EXCHANGED)}
    losses = {level: [loss for run in found for loss in late_losses(run)] for level, found in runs.items()}
    if not control or not all(losses.values()):
        return None
    return median(losses[OWN]), median(losses[EXCHANGED]), median(control)


def says_nothing_of_others(own: float, exchanged: float, control: float) -> bool:
    """Whether a few examples are learnt by heart, and what is learnt fits others no better than it fits any labels.

    A net that is sure of what it has learnt is wrong with certainty where it knows nothing: the loss of others rises
    above that of a net that learns nothing. Their own labels would be told better than those of the few.

    Example:
        >>> [says_nothing_of_others(own, 6.0, 2.3) for own in (3.1, 5.8, 6.5, 12.0)]
        [False, True, True, False]
    """
    rise = exchanged - control
    alike = -BELOW * abs(exchanged) <= own - exchanged <= ABOVE * abs(exchanged)
    return rise >= LEARNT * abs(control) and alike


def of_a_few(own: float, exchanged: float, control: float, check: str) -> Finding:
    """What is said of labels that a few examples tell nothing about."""
    return Finding(
        check,
        place="the data",
        measured="trained on a few of its examples alone, the net learns them by heart, and of others it knows nothing:"
        f" their loss is {own:.3g} by their own labels and {exchanged:.3g} by those of the few ({control:.3g} where "
        "nothing is learnt): the labels do not depend on the inputs as the net gets them, or by less than so few "
        "examples show",
        expected="labels that belong to their inputs",
        remedy="look at inputs and labels side by side: are both shuffled, sorted or cut alike",
    )


def late_losses(run: CheckedRun) -> list[float]:
    """The later half of a run's losses, of which each is a number."""
    losses = [loss for loss in run.losses if abs(loss) < float("inf")]
    return losses[len(losses) // 2 :] if len(losses) > 1 else []
