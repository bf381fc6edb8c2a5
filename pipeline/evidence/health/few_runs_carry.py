"""A few runs carry a verdict."""

from __future__ import annotations

from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "a few runs lie far from all others; what they share, and which effects are not shown without them"


def look(examined: Examined) -> Flag | None:
    """Flags effects that hang on a few runs, and few runs that would carry any mean."""
    found = examined.gain.carried
    if found is None:
        return None
    runs, shared = ", ".join(found.trials[:6]), " and ".join(found.conditions)
    measured = f"{len(found.trials)} runs end far from all others ({runs})"
    measured += f", with {shared}" if shared else ""
    measured += f"; without them no effect of {', '.join(found.factors)} is shown" if found.factors else ""
    return Flag(
        name="few_runs_carry",
        measured=measured,
        means="means and effects are moved by these runs: a failure that still ends in a number, perhaps",
        remedy="look at these runs; run their configs again under other seeds",
        factors=tuple(found.factors),
    )
