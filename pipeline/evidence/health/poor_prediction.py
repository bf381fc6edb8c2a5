"""The model does not predict runs that it has not seen."""

from __future__ import annotations

import numpy as np

from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.model import build_model
from backtrack.evidence.health.examined import Examined, Flag, predicted
from backtrack.evidence.responses.responses import Response

ABOUT = "the model of the gain, fitted without a tenth of the runs, explains less than a quarter of their variance"
LEAST_SHARE, PARTS = 0.25, 10
# More runs than these make no difference to a share, and take seconds.
MOST_RUNS = 1000


def look(examined: Examined) -> Flag | None:
    """Flags a study whose factors do not predict the gain of runs that were left out."""
    model = examined.model
    if model is None:
        return None
    response = model.response
    if len(response.y) > MOST_RUNS:
        some = np.sort(np.random.default_rng(0).permutation(len(response.y))[:MOST_RUNS])
        response = Response(response.kind, response.frame.rows(some), response.y[some])
    runs = len(response.y)
    part = np.random.default_rng(0).permutation(runs) % PARTS
    expected = np.full(runs, np.nan)
    for number in range(PARTS):
        out = part == number
        kept = Response(response.kind, response.frame.rows(~out), response.y[~out])
        own = build_model(kept, terms_of(kept)[0], model.pairs)
        if own is None:
            return None
        expected[out] = predicted(own, response.frame.rows(out))
    unexplained = float(np.nanmean((response.y - expected) ** 2))
    share = 1 - unexplained / max(float(np.var(response.y)), 1e-300)
    if share >= LEAST_SHARE:
        return None
    return Flag(
        name="poor_prediction",
        measured=f"{max(share, 0):.0%} of the variance of runs that were left out",
        means="most of what makes runs differ is none of these factors: luck, or something that nobody varied on "
        "purpose",
        remedy="repeat one config under several seeds to see how much is luck; look for what else changes between runs",
    )
