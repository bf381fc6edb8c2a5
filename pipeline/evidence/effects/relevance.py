"""Does an effect matter? One that is surely there may still explain next to nothing of how results differ."""

from __future__ import annotations

import numpy as np

from backtrack.evidence.frame import Floats

# An effect that explains less of the variance between runs than this share matters to nobody. Tables of real runs
# without noise hold many such effects: there nothing is exactly zero (`benchmarks/real_tables.py`).
NEGLIGIBLE = 0.01


def variance_share(contributions: Floats, y: Floats) -> float:
    """The share of the runs' variance that a factor, or a pair, contributes.

    Args:
        contributions: (n,) what it adds to each run in the model.
        y: (n,) the response.
    """
    total = float(np.var(y))
    return float(np.var(contributions)) / total if total > 0 else 0.0
