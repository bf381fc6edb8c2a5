"""What checks found, told once a place and counted once a run."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa

from backtrack.evidence.seen import seen_checks
from backtrack.vocabulary.finding import Finding


def test_a_run_that_shows_a_finding_twice_is_one_run() -> None:
    """Two warnings of one line: the report said `96 of 48 runs`."""
    once = asdict(Finding("warning", "mine.py:3", "one", "none", "read it", "unusual"))
    rows = [{"trial": "a", "findings": [once, {**once, "measured": "another"}]}, {"trial": "b", "findings": [once]},
            {"trial": "c", "findings": None}]  # fmt: skip
    (found,) = seen_checks(pa.Table.from_pylist(rows))
    assert (found.runs, found.of, found.trials) == (2, 3, ("a", "b"))
    assert found.finding.measured == "one"
