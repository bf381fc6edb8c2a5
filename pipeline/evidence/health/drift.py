"""Results drift over time, or differ between nodes."""

from __future__ import annotations

import numpy as np
from scipy import stats

from backtrack.evidence.health.examined import ALPHA, Examined, Flag

ABOUT = "what the factors leave of the gain goes with the time at which runs ended, or with the node that they ran on"
LEAST = 5


def look(examined: Examined) -> Flag | None:
    """Flags a study whose results change with time or place."""
    found = examined.residuals()
    if found is None:
        return None
    response, left = found
    row_of = {
        (trial, seed): row
        for row, (trial, seed) in enumerate(
            zip(examined.trials["trial"].to_pylist(), examined.trials["seed"].to_pylist(), strict=True)
        )
    }
    keys = zip(response.frame.trial.tolist(), response.frame.seed.tolist(), strict=True)
    rows = [row_of[key] for key in keys]
    ended = np.array([examined.trials["ended"][row].as_py() or 0.0 for row in rows])
    nodes = np.array([examined.trials["node"][row].as_py() or "" for row in rows])
    said = []
    if np.ptp(ended) > 0 and np.ptp(left) > 0:
        rise = stats.spearmanr(ended, left)
        if rise.pvalue < ALPHA / 2:
            said.append(f"results {'rise' if rise.statistic > 0 else 'fall'} over time (p {rise.pvalue:.2g})")
    groups = [left[nodes == node] for node in np.unique(nodes) if (nodes == node).sum() >= LEAST]
    if len(groups) > 1 and np.ptp(left) > 0:
        p = float(stats.kruskal(*groups).pvalue)
        if p < ALPHA / 2:
            said.append(f"results differ between {len(groups)} nodes (p {p:.2g})")
    if not said:
        return None
    return Flag(
        name="drift",
        measured="; ".join(said),
        means="something beside the factors changed: code, data, load, hardware",
        remedy="look for what changed; the design is random in time, so effects are not biased by it, only less sharp",
    )
