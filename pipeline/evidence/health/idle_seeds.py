"""Seeds change nothing: a run under a fresh seed repeats the one before."""

from __future__ import annotations

from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "configs that ran under several seeds end at exactly the same number under all of them"
# Configs that must show it, with as many different results among them: a ceiling is no sign of it.
LEAST = 3


def look(examined: Examined) -> Flag | None:
    """Flags a study none of whose repeated configs differs between its seeds."""
    names = [name for name in examined.trials.column_names if name.startswith("config.")]
    found: dict[tuple[object, ...], dict[int, float]] = {}
    for row in examined.trials.to_pylist():
        if row["outcome"] == "ok" and row["value"] is not None:
            found.setdefault(tuple(row[name] for name in names), {})[row["seed"]] = row["value"]
    repeated = [set(values.values()) for values in found.values() if len(values) > 1]
    same = [values for values in repeated if len(values) == 1]
    if len(same) < len(repeated) or len(set().union(*same)) < LEAST:
        return None
    return Flag(
        name="idle_seeds",
        measured=f"each of {len(same)} configs that ran under several seeds ended at one and the same number",
        means="the seed does not reach the training, or it has no luck: a fresh seed repeats a run, and what these "
        "verify was seen once",
        remedy="let the training take its seed: --seed-arg, BACKTRACK_SEED, or the task's second argument",
    )
