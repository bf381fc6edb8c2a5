"""Levels that were run unevenly, or only together with others."""

from __future__ import annotations

import numpy as np
from scipy import stats

from backtrack.evidence.choosing import tied_factors
from backtrack.evidence.frame import Frame
from backtrack.evidence.health.examined import ALPHA, Examined, Flag
from backtrack.vocabulary.factors import Numeric

ABOUT = "levels of a factor have very different numbers of runs, or go together with those of another factor"
# Between the most and the least frequent level. Fewer than half as many runs make a level rare, by chance or not: no
# more is asked of these than that a few runs are not the reason.
RATIO, HALF = 1.5, 2.0
FEW_RUNS = 0.01


def look(examined: Examined) -> Flag | None:
    """Flags factors whose levels are unevenly often among the evidence, and pairs that go together."""
    frame = examined.evidence.fair_for_failures
    if len(frame) < 10:
        return None
    uneven = [factor.name for factor in frame.space if _is_uneven(frame, factor.name)]
    tied = [f"{a} with {b}" for a, b, _ in tied_factors(frame)]
    if not uneven and not tied:
        return None
    said = [f"levels of {', '.join(uneven)} are unevenly often"] if uneven else []
    said += [f"levels go together: {', '.join(tied[:4])}"] if tied else []
    return Flag(
        name="imbalance",
        measured="; ".join(said),
        means="rare levels have wide intervals; what goes together cannot be told apart",
        remedy="extend the study: its fresh runs are balanced; for past runs, run what `--next` plans",
        factors=tuple(uneven),
    )


def _is_uneven(frame: Frame, name: str) -> bool:
    factor = frame.space[name]
    there = frame.active(factor)
    if isinstance(factor, Numeric):
        shares = [factor.share(float(value)) for value in frame.levels[name][there].astype(float)]
        counts = np.histogram(shares, bins=4, range=(0, 1))[0]
    else:
        column = frame.levels[name][there]
        counts = np.array([(column == one).sum() for one in np.unique(column)])
    if len(counts) < 2 or counts.sum() < 10:
        return False
    p = float(stats.chisquare(counts).pvalue)
    ratio = counts.max() / max(1, counts.min())
    return (p < ALPHA / max(1, len(frame.space.factors)) and ratio > RATIO) or (p < FEW_RUNS and ratio > HALF)
