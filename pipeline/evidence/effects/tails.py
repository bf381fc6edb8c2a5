"""Heavy tails: responses that a few runs dominate are tested by their ranks, which no disaster moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from backtrack.evidence.effects.model import Model
from backtrack.evidence.frame import Floats
from backtrack.evidence.responses.responses import Response

# Tails are heavy where, of this many runs, more than one lies beyond so many robust standard deviations: of 60 to 240
# normal ones that happens in 9 to 0.3 of 100 samples, of t with two degrees of freedom in 96 and more.
BEYOND, RUNS_AN_EXTREME = 3.5, 100
ROBUST = 1.4826


def has_heavy_tails(model: Model) -> bool:
    """Whether a response, or what its model leaves, has more extremes than normal numbers would.

    A fit with many columns bends itself towards an extreme run, which then hides among the residuals.
    """
    return any(
        _extremes(numbers) > len(numbers) / RUNS_AN_EXTREME for numbers in (model.response.y, model.fit.residuals)
    )


def _extremes(numbers: Floats) -> int:
    spread = robust_spread(numbers)
    return int((np.abs(numbers - np.median(numbers)) > BEYOND * spread).sum()) if spread > 0 else 0


def robust_spread(numbers: Floats) -> float:
    """The standard deviation of normal numbers, by their median absolute deviation; 0 without numbers."""
    return ROBUST * float(np.median(np.abs(numbers - np.median(numbers)))) if len(numbers) else 0.0


def normal_scores(y: Floats) -> Floats:
    """Φ⁻¹((rank - 3/8) / (n + 1/4)), Blom's scores, with the spread of `y`; ties share their mean rank."""
    scores = ndtri((rankdata(y) - 0.375) / (len(y) + 0.25))
    return np.asarray(scores * np.std(y))


def by_ranks(response: Response) -> Response:
    """The response with normal scores in place of its numbers."""
    return replace(response, y=normal_scores(response.y))
