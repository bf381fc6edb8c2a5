"""The search's runs do not reach what the screen's model expects of them."""

from __future__ import annotations

import numpy as np
from scipy import stats

from backtrack.evidence.effects.model import Model
from backtrack.evidence.health.examined import ALPHA, Examined, Flag, predicted

ABOUT = "the search's runs end better or worse than the screen's model expects of their configs and seeds, all alike"
LEAST = 5
# Runs of the screen under a seed that tell its luck: the search may have one seed of several.
FEWEST = 3


def look(examined: Examined) -> Flag | None:
    """Flags a search whose runs lie off the model on the whole."""
    model = examined.model
    frame = examined.frame.of_stages(["search"])
    if model is None:
        return None
    luck = _luck(model)
    frame = frame.rows(~frame.failed & np.isfinite(frame.value) & np.isin(frame.seed, list(luck)))
    if len(frame) < LEAST:
        return None
    differences = frame.value - predicted(model, frame) - np.array([luck[int(seed)] for seed in frame.seed])
    # The model's own error at a config lies about as far from the truth as a run does.
    p = float(stats.ttest_1samp(differences, 0.0).pvalue) if np.ptp(differences) > 0 else 1.0
    size, side = abs(float(differences.mean())), "above" if differences.mean() > 0 else "below"
    if p >= ALPHA or size < 2 * model.fit.sd:
        return None
    return Flag(
        name="search_against_screen",
        measured=f"{len(frame)} runs of the search end {size:.3g} {side} what the "
        f"screen's model expects (p {p:.2g}, run-to-run standard deviation {model.fit.sd:.3g})",
        means="something changed between the stages, or factors work together in a way that the model lacks",
        remedy="run the search's best config again, and one of the screen's, side by side",
    )


def _luck(model: Model) -> dict[int, float]:
    """How far the screen's runs under each seed lie from what the model expects on average over the seeds."""
    left = model.response.y - predicted(model, model.response.frame)
    seeds, counts = np.unique(model.response.frame.seed, return_counts=True)
    return {int(one): float(left[model.response.frame.seed == one].mean()) for one in seeds[counts >= FEWEST]}
