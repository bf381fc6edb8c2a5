"""How far luck reaches: what trainings that cannot learn show of a metric that moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from scipy.stats import mannwhitneyu

# A metric that ends within this many times the training loss is that loss; a control that ends so many times above
# where it began has exploded.
SAME, EXPLODED = 2.0, 1.5
# Reports of luck are compared with a run's later ones where there are so many of each, at this error rate.
LEAST_REPORTS, BEYOND_LUCK = 3, 0.01
# A loss that is learnt by the labels lies below this share of what it is without them.
HALF = 0.5
# Controls with a change beside that tell what it reaches without learning.
PAIR = 2


def later_half(scores: Sequence[float]) -> Sequence[float]:
    """The later half of a run's reports."""
    return scores[len(scores) // 2 :]


def beyond_luck(controls: Sequence[Sequence[float]], ceiling: float) -> float:
    """What no training reaches that learns nothing: a score.

    The best of all reports is one of luck. As far beyond it as luck moves late reports, luck does not reach. Where they
    have left it far behind, as a control that explodes does, they move by that and not by luck.

    Args:
        controls: of each run that cannot learn, the scores of its reports; more is better.
        ceiling: the best that can be; infinity where that is not known.

    Returns:
        Minus infinity where nothing is known.

    Example:
        >>> beyond_luck([[0.1, 0.2, 0.1, 0.3], [0.2, 0.1]], ceiling=1.0)
        0.5
    """
    best = [max(one) for one in controls if one]
    ends = [score for one in controls for score in later_half(one) if math.isfinite(score)]
    if not ends or not math.isfinite(max(best)):
        return -math.inf
    moved = max(ends) - median(ends)
    beyond = max(best) + (moved if max(ends) + moved >= max(best) else 0.0)
    # Where luck moves a share by that much, it must leave room for what is perfect.
    return min(beyond, (max(best) + ceiling) / 2) if math.isfinite(ceiling) else beyond


def beyond_counting(luck: Sequence[float], values: Sequence[float], ceiling: float) -> float:
    """What counting alone lets a share of right answers reach, where luck hardly moves: a score.

    One answer for all inputs is right as often in every report, and which answer it is luck decides: such reports do
    not tell how far luck reaches. The smallest step between two values tells by how many examples they are counted.

    Args:
        luck: the reports of runs that cannot learn.
        values: of all runs.
        ceiling: the best that can be, 1 or 100.

    Returns:
        Minus infinity where luck moves by more than counting does, or nothing is known.

    Example:
        >>> round(beyond_counting([0.098, 0.098], [0.098, 0.1, 0.102], ceiling=1.0), 3)
        0.111
        >>> beyond_counting([0.08, 0.12], [0.08, 0.1, 0.102], ceiling=1.0)
        -inf
    """
    ordered = sorted({value for value in values if math.isfinite(value)})
    if not luck or len(ordered) < 2 or not math.isfinite(ceiling):
        return -math.inf
    step = min(after - before for before, after in pairwise(ordered)) / ceiling
    share = median(luck) / ceiling
    deviation = ceiling * math.sqrt(max(0.0, share * (1 - share)) * step)
    return max(luck) + deviation if max(luck) - min(luck) < deviation else -math.inf


def beyond_runs(controls: Sequence[Sequence[float]]) -> float:
    """The best late report of luck, and as much beyond as lies between two runs of it; infinity where there is none.

    Example:
        >>> beyond_runs([[1.0, 2.0], [4.0, 5.0]])
        7.0
    """
    if not controls:
        return math.inf
    return max(map(max, controls)) + max(0.0, max(map(min, controls)) - min(map(max, controls)))


def learns_labels(own: Sequence[Sequence[float]], mixed: Sequence[Sequence[float]]) -> bool:
    """Whether runs end with a loss that is less than half of that of runs whose labels are mixed.

    Example:
        >>> learns_labels([[2.0, 1.0, 0.4], [2.0, 0.9, 0.5]], [[2.0, 1.8, 1.7]])
        True
        >>> learns_labels([[2.0, 1.0, 0.4]], [[2.0, 1.0, 0.5]])
        False
    """
    ends = [[median(later_half(one)) for one in losses if one] for losses in (own, mixed)]
    return all(ends) and 0 <= max(ends[0]) < HALF * min(ends[1])


def is_better(late: Sequence[float], luck: Sequence[float]) -> bool:
    """Whether scores are better than those of luck, by an exact test of ranks.

    Example:
        >>> is_better([5, 6, 7, 8, 9], [1, 2, 3, 4, 5]), is_better([5, 6], [1, 2])
        (True, False)
    """
    if min(len(late), len(luck)) < LEAST_REPORTS:
        return False
    return bool(mannwhitneyu(late, luck, alternative="greater").pvalue < BEYOND_LUCK)


def way_gone(ends: Sequence[float], chance: float, best: float) -> float:
    """How much of the way from chance to the best trainings have gone, in the middle; not a number for none.

    Args:
        ends: their scores; more is better.
        chance, best: what luck reaches, and the most that there is.

    Example:
        >>> way_gone([0.25, 0.5, 0.75], chance=0.25, best=1.25)
        0.25
    """
    known = all(map(math.isfinite, (chance, best))) and best > chance
    return (median(ends) - chance) / (best - chance) if ends and known else math.nan


def loss_at_start(begun: Sequence[float], ends: Sequence[tuple[float, float]], controls: Sequence[float]) -> float:
    """The loss that a net begins with, where the metric is that loss and what cannot learn it ends far above.

    Controls say what chance is, unless they explode: a net that makes no step is better then.

    Args:
        begun: the losses of first steps.
        ends: `(last report, last training loss)` of runs.
        controls: the last reports of runs that cannot learn.

    Returns:
        Infinity where that is not so.

    Example:
        >>> loss_at_start([2.9, 2.8], [(1.0, 0.9), (20.0, 17.0)], controls=[20.0, 18.0])
        2.8499999999999996
        >>> loss_at_start([2.9, 2.8], [(1.0, 0.9), (20.0, 17.0)], controls=[3.0, 3.1])
        inf
    """
    if not begun or not ends or not controls:
        return math.inf
    first = median(begun)
    same = all(min(pair) > 0 and max(pair) < SAME * min(pair) for pair in ends)
    return first if same and first > 0 and min(controls) > EXPLODED * first else math.inf
