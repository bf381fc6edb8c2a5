"""Several questions at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtrack.evidence.frame import Floats


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> Floats:
    """Holm's (1979) adjusted p-values, weighted: the error rate over all questions together stays below alpha.

    With questions ordered by p / w: p̃_(i) = max_{j ≤ i} min(1, p_(j) / w_(j) · Σ_{k ≥ j} w_(k)). With equal weights it
    is statsmodels' `multipletests(method="holm")`, which also runs the garbage collector at every call: 50 ms where
    this takes microseconds.

    Args:
        p_values: m raw p-values.
        weights: m positive shares of the error rate; equal where absent.

    Returns:
        (m,) adjusted, in the order given.
    """
    raw = np.asarray(p_values, dtype=float)
    share = np.ones(len(raw)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(raw / share, kind="stable")
    left = np.cumsum(share[order][::-1])[::-1]
    steps = np.minimum(1.0, raw[order] / share[order] * left)
    adjusted = np.empty(len(raw))
    adjusted[order] = np.maximum.accumulate(steps) if len(raw) else steps
    return adjusted
