"""Failures fill a region of the space: its runs tell nothing of the gain."""

from __future__ import annotations

from backtrack.evidence.failures.laboratory import LOW_GAIN
from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "a tenth of the runs or more lie where at least four of five trainings fail"
RATE, SHARE = 0.8, 0.1


def look(examined: Examined) -> Flag | None:
    """Flags regions where nearly all trainings fail."""
    runs = max(1, len(examined.evidence))
    found = [
        one
        for one in examined.analysis.causes
        if not one.cause.refuted
        and one.cause.outcome != LOW_GAIN
        and one.inside[0] >= RATE * one.inside[1]
        and one.inside[1] >= SHARE * runs
    ]
    if not found:
        return None
    named = "; ".join(" and ".join(one.cause.cause) for one in found)
    lost = sum(one.inside[0] for one in found)
    return Flag(
        name="failing_region",
        measured=f"{lost} runs failed with {named}",
        means="these runs tell why trainings fail, and nothing about what makes them better",
        remedy="leave that region out of the next study, once its cause is verified",
        factors=tuple(dict.fromkeys(name for one in found for name in one.cause.factors)),
    )
