"""The search's runs do not reach what the screen's model expects of them."""

from __future__ import annotations

import numpy as np
from scipy import stats

from backtrack.evidence.health.examined import ALPHA, Examined, Flag, predicted

ABOUT = "the search's runs end better or worse than the screen's model expects of their configs, all alike"
LEAST = 5


def look(examined: Examined) -> Flag | None:
    """Flags a search whose runs lie off the model on the whole."""
    model = examined.model
    frame = examined.frame.of_stages(["search"])
    kept = ~frame.failed & np.isfinite(frame.value)
    if model is None or kept.sum() < LEAST:
        return None
    frame = frame.rows(kept)
    differences = frame.value - predicted(model, frame)
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
