"""Analyses a study's runs and writes its report: the Python twin of `backtrack report`."""

from __future__ import annotations

from pathlib import Path

from backtrack.evidence.studied import analysis_of
from backtrack.records.directory import Records
from backtrack.views.report import writing
from backtrack.views.study import Study


def write_report(study: str | Path | Records, alpha: float | None = None, complete: bool = True) -> Study:
    """Analyses the runs so far, writes the report, and returns the study with its tables.

    Args:
        study: its directory (a path or URI), or its open records.
        alpha: error rate of the verdicts; default: the study's own.
        complete: whether the sweep has come to its end.

    Raises:
        StudyError: where there is no study, or its directory cannot be written.

    Example:
        >>> write_report("studies/mine-1", alpha=0.01).factors  # doctest: +SKIP
    """
    records = (study if isinstance(study, Records) else Records.open(study)).as_sweep()
    analysis = analysis_of(records, alpha)
    problems = writing.write_report(records, analysis)
    return Study(records, complete, analysis, problems)
