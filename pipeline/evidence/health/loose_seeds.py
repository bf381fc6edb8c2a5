"""A fixed seed does not fix the training: the same config under the same seed gives another number."""

from __future__ import annotations

from backtrack.evidence.health.examined import Examined, Flag

ABOUT = "before the sweep, one config ran twice under one seed, and its first values of the metric differ"


def look(examined: Examined) -> Flag | None:
    """Flags a study whose first trial run did not repeat itself."""
    if examined.same_seed is None:
        return None
    first, again = examined.same_seed
    return Flag(
        name="loose_seeds",
        measured=f"one config under one seed gave {examined.metric} {first:.6g}, and then {again:.6g}",
        means="something that no seed reaches moves the results: runs that share a seed do not share their luck, so "
        "comparisons in pairs need more runs, and nobody can repeat a run",
        remedy="seed every generator that the training uses (NumPy's default_rng, data workers, the environment), sort "
        "what comes from sets and folders, and on a GPU ask for torch.use_deterministic_algorithms(True)",
    )
