"""A factor that never mattered anywhere."""

from __future__ import annotations

import math

from backtrack.evidence.effects.effects import GOES_WITH
from backtrack.evidence.health.examined import Examined, Flag
from backtrack.vocabulary.responses import FAILURE, GAIN

ABOUT = "a factor that changes nothing that was asked, is in no cause, and whose effect on the gain is surely small"
# Of the run-to-run standard deviation: an effect that is surely smaller is small.
SMALL = 1.0


def look(examined: Examined) -> Flag | None:
    """Flags scientific factors that are active nowhere, and whose whole interval on the gain is small."""
    mattered = {
        name
        for answer in examined.analysis.responses.values()
        for effect in answer.factors
        if effect.verdict in ("active", GOES_WITH)
        for name in (effect.factor.name, *effect.partners)
    }
    mattered |= {name for one in examined.analysis.causes for name in one.cause.factors}
    noise = examined.gain.noise
    small = {
        effect.factor.name
        for effect in examined.gain.factors
        if math.isfinite(noise) and effect.high < SMALL * noise and effect.p > 0.01
    }
    never = [
        factor.name
        for factor in examined.frame.space
        if factor.role == "scientific" and factor.name in small and factor.name not in mattered
    ]
    if not never:
        return None
    return Flag(
        name="never_mattered",
        measured=f"{', '.join(never)}: no effect on {FAILURE} or {GAIN} is shown, and none larger than the "
        "run-to-run standard deviation is left",
        means="runs that vary it spend their variation on nothing",
        remedy=f"hold {'it' if len(never) == 1 else 'them'} at one level in the next study (--fix)",
        factors=tuple(never),
    )
