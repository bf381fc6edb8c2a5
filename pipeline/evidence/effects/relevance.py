"""Does an effect matter? One that is surely there may still explain next to nothing of how results differ."""

from __future__ import annotations

import numpy as np

from backtrack.evidence.frame import Floats

# An effect that explains less of the variance between runs than this share matters to nobody. Tables of real runs
# without noise hold many such effects: there nothing is exactly zero (`benchmarks/real_tables.py`).
NEGLIGIBLE = 0.01


# Of runs that exist: their tables mostly hold one run a config, so that what a model misses passes for noise, and more
# of what looks like one per cent is less. On 92 tables of random-forest runs (`benchmarks/past_runs.py`) inert factors
# are .003 to .016 of those called with this bar, .06 with the other; hardly any with more than 5 % is lost.
NEGLIGIBLE_OF_PAST = 0.024


def variance_share(contributions: Floats, y: Floats, numbers: int = 0, noise: float = 0.0) -> float:
    """The share of the runs' variance that a factor, or a pair, contributes.

    (Var(contributions) - k σ² / n) / Var(y), at least 0: what is estimated contributes k σ² / n on average by noise
    alone (as in ω², Hays 1963). Without that, nothing would matter where few runs estimate many numbers.

    Args:
        contributions: (n,) what it adds to each run in the model.
        y: (n,) the response.
        numbers: k, how many were estimated for it.
        noise: σ, run-to-run standard deviation.
    """
    total = float(np.var(y))
    by_noise = numbers * noise**2 / max(1, len(y))
    return max(0.0, float(np.var(contributions)) - by_noise) / total if total > 0 else 0.0
