"""A study judges itself: the Python twin of `backtrack health`."""

from __future__ import annotations

from pathlib import Path

from backtrack.evidence.health import Flag, examine
from backtrack.evidence.studied import analysis_of, examined
from backtrack.records.directory import Records


def health(study: str | Path | Records) -> list[Flag]:
    """What is wrong with a study, or to be known of it, with what it means and what to do; empty where it is sound.

    Args:
        study: its directory (a path or URI), or its open records.

    Raises:
        StudyError: where there is no study.

    Example:
        >>> [flag.name for flag in health("studies/mine-1")]  # doctest: +SKIP
        ['edge_of_range']
    """
    records = (study if isinstance(study, Records) else Records.open(study)).as_sweep()
    return examine(examined(records, analysis_of(records)))
