"""Symptoms or checks in runs that are called ok."""

from __future__ import annotations

from collections import Counter

from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "a tenth or more of the runs called ok show the same symptom, or a check found something wrong in them"
SHARE, LEAST = 0.1, 3


def look(examined: Examined) -> Flag | None:
    """Flags symptoms and findings of checks that are frequent among runs that count as ok."""
    seen: Counter[str] = Counter()
    fine = 0
    columns = (examined.trials[name].to_pylist() for name in ("outcome", "symptoms", "checks"))
    for outcome, symptoms, checks in zip(*columns, strict=True):
        if outcome == "ok":
            fine += 1
            seen.update({*(symptoms or ()), *(checks or ())})
    found = [(name, count) for name, count in seen.most_common() if count >= max(LEAST, SHARE * fine)]
    if not found:
        return None
    named = ", ".join(f"{name.replace('_', ' ')} in {count} of {fine}" for name, count in found[:4])
    return Flag(
        name="symptoms_in_sound_runs",
        measured=named,
        means="runs that learn may still learn less than they could",
        remedy="docs/symptoms.md and docs/checks.md say what each points at",
    )
