"""A study, read back: its tables, as parquet has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.records import Records

if TYPE_CHECKING:
    from pipeline.analysis import Analysis

TABLES = ("factors", "levels", "interactions", "causes", "claims")


class Study:
    """What a sweep found. Tables are pyarrow's, with the columns of the study directory.

    Args:
        records: the study directory.

    Attributes:
        records: the study directory.
        complete: False where the last run of the sweep was interrupted.
        analysis: of the last `analyse`, or None.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.complete = True
        self.analysis: Analysis | None = None

    @property
    def directory(self) -> str:
        """Where the study lies."""
        return self.records.location

    @property
    def trials(self) -> pa.Table:
        """One row a training run."""
        return self.records.trials()

    @property
    def curves(self) -> pa.Table:
        """One row a number over time."""
        return self.records.curves()

    @property
    def factors(self) -> pa.Table:
        """The ranking of factors, for each response."""
        return self._table("factors")

    @property
    def levels(self) -> pa.Table:
        """Adjusted level means."""
        return self._table("levels")

    @property
    def interactions(self) -> pa.Table:
        """Pairs of factors whose effects depend on each other."""
        return self._table("interactions")

    @property
    def causes(self) -> pa.Table:
        """Causes of failures."""
        return self._table("causes")

    @property
    def claims(self) -> pa.Table:
        """The verdict of every claim."""
        return self._table("claims")

    @property
    def best(self) -> dict[str, Any] | None:
        """The best config with its value, interval and trial; None where nothing trained."""
        self._ensure("best.json")
        found: dict[str, Any] | None = json.loads(self.records.read("report/best.json"))
        return found

    def analyse(self, alpha: float | None = None) -> Analysis:
        """Analyses the trials so far and writes the report.

        Args:
            alpha: error rate of the verdicts; default: the study's own.
        """
        from pipeline.analysis import analyse
        from pipeline.report import write_report

        task = self.records.manifest["task"]
        analysis = analyse(
            self.records.space,
            self.trials,
            self.curves,
            task["metric"],
            task["mode"],
            alpha=float(alpha if alpha is not None else self.records.manifest["alpha"]),
        )
        write_report(self.records, analysis)
        self.analysis = analysis
        return analysis

    def _ensure(self, name: str) -> None:
        if not self.records.has(f"report/{name}"):
            self.analyse()

    def _table(self, name: str) -> pa.Table:
        self._ensure(f"{name}.parquet")
        return self.records.read_table(f"report/{name}.parquet")


def open_study(directory: str | Path) -> Study:
    """The study in `directory`, a path or URI.

    Raises:
        StudyError: where there is none, or it is of another format.
    """
    return Study(Records.open(directory))
