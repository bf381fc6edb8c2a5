"""The training loss swings up and down instead of falling."""

from __future__ import annotations

from itertools import pairwise

from backtrack.watch.symptoms.symptom import TRAINING_LOSSES, Series, Symptom, said

# With fewer points a swing cannot be told from a slope.
LEAST_POINTS = 6


def found(series: Series, threshold: float) -> bool:
    """More than half of the changes exceed a share of the level around them, and a quarter of all go up so far."""
    losses = said(series, TRAINING_LOSSES)
    if len(losses) < LEAST_POINTS:
        return False
    # Near zero any two losses differ by a large share: no level lies under a tenth of the first loss.
    floor = 0.1 * abs(losses[0])
    swings = [(b - a) / max(floor, abs(a + b) / 2, 1e-30) for a, b in pairwise(losses)]
    large = sum(abs(swing) > threshold for swing in swings)
    return large > len(swings) / 2 and sum(swing > threshold for swing in swings) >= len(swings) / 4


SYMPTOM = Symptom(
    name="oscillating_loss",
    measured="changes of the training loss (means over an eighth of an epoch) over the level around them",
    rule="over {threshold:.0%} for more than half of the changes, a quarter of all being upwards",
    threshold=0.3,
    points_at="learning rate, momentum, batch size",
    cost="none: read from the curve of the loss",
    source="AUTOTRAINER (Zhang et al., ICSE 2021)",
    found=found,
    effect=True,
)
