"""How far luck reaches: what trainings that cannot learn show of a metric that moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

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


def beyond_runs(controls: Sequence[Sequence[float]]) -> float:
    """The best late report of luck, and as much beyond as lies between two runs of it; infinity where there is none.

    Example:
        >>> beyond_runs([[1.0, 2.0], [4.0, 5.0]])
        7.0
    """
    if not controls:
        return math.inf
    return max(map(max, controls)) + max(0.0, max(map(min, controls)) - min(map(max, controls)))


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
