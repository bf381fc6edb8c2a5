"""What checks found in a study's runs, each fault once."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from backtrack.vocabulary.finding import WRONG, Finding


@dataclass(frozen=True)
class Seen:
    """A finding, with the runs that show it.

    Args:
        finding: as the first of them has it.
        runs: how many show it.
        of: how many were looked at.
        trials: that show it, the first runs first.
    """

    finding: Finding
    runs: int
    of: int
    trials: tuple[str, ...]


def seen_checks(trials: pa.Table) -> list[Seen]:
    """The findings of all runs, one for each check and place: what is wrong first, then by how many runs show it.

    Args:
        trials: as `Records.trials` gives them. Runs that crashed were looked at as well.
    """
    found: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    rows = trials.select(["trial", "findings"]).to_pylist()
    for row in rows:
        # A run may show one more than once, as several warnings of one line.
        own: dict[tuple[str, str], Finding] = {}
        for finding in (Finding(**fields) for fields in row["findings"] or ()):
            own.setdefault((finding.check, finding.place), finding)
        for key, finding in own.items():
            found.setdefault(key, []).append((row["trial"], finding))
    seen = [
        Seen(said[0][1], len(said), len(rows), tuple(dict.fromkeys(trial for trial, _ in said)))
        for said in found.values()
    ]
    return sorted(seen, key=lambda one: (one.finding.weight != WRONG, -one.runs, one.finding.check, one.finding.place))
