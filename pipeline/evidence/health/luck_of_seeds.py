"""Luck decides much: the seeds' share of what the factors leave."""

from __future__ import annotations

import numpy as np
from scipy import stats

from backtrack.evidence.effects.effects import terms_of
from backtrack.evidence.effects.model import build_model
from backtrack.evidence.health.examined import ALPHA, Examined, Flag
from backtrack.evidence.responses.responses import gain_of

ABOUT = "the seeds explain a large share of what the factors leave of the gain"
SHARE = 0.25
# Seeds that were used less often say nothing of their luck.
LEAST = 3


def look(examined: Examined) -> Flag | None:
    """Flags a study where a quarter of the variance beside the factors' is that of the seeds."""
    response = gain_of(examined.evidence, examined.metric, examined.mode)
    seeds, counts = np.unique(response.frame.seed, return_counts=True)
    if len(seeds) < 2 or counts.min() < LEAST or np.ptp(response.y) == 0:
        return None
    terms, _ = terms_of(response)
    model = build_model(response, terms)
    if model is None:
        return None
    # Seeds are blocks of the model: what they take out comes back by adding the columns that no factor owns.
    owned = {column for block in model.blocks.values() for column in block.span} | {0}
    others = [column for column in range(model.columns.shape[1]) if column not in owned]
    left = model.fit.residuals / model.fit.root + model.columns[:, others] @ model.fit.beta[others]
    groups = [left[response.frame.seed == seed] for seed in seeds]
    p = float(stats.f_oneway(*groups).pvalue)
    between = sum(len(group) * (group.mean() - left.mean()) ** 2 for group in groups)
    share = float(between / max(((left - left.mean()) ** 2).sum(), 1e-300))
    if p >= ALPHA or share < SHARE:
        return None
    return Flag(
        name="luck_of_seeds",
        measured=f"{share:.0%} of the variance beside the factors' is that of {len(seeds)} seeds (p {p:.2g})",
        means="a single run says little about its config; the analysis takes their luck out, a person who compares "
        "two runs does not",
        remedy="compare configs under the same seeds; look for what depends on them (split, order)",
    )
