"""Results with heavy tails: means are moved by a few of them."""

from __future__ import annotations

from backtrack.evidence.effects.tails import has_heavy_tails
from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "what the factors leave of the gain has far heavier tails than a normal distribution"


def look(examined: Examined) -> Flag | None:
    """Flags a study whose tests had to be made by ranks."""
    model = examined.model
    if model is None or not has_heavy_tails(model):
        return None
    return Flag(
        name="heavy_tails",
        measured="what the factors leave of the gain has heavy tails",
        means="tests were made by ranks, which extreme runs cannot move; these still move effects and level means",
        remedy="read medians; look at the extreme runs first; a logarithm of the metric may suit it better",
    )
