"""A study, read back: its tables, as parquet has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from backtrack.errors import StudyError
from backtrack.evidence.analysis import Analysis
from backtrack.records.directory import Records

TABLES = ("factors", "levels", "interactions", "causes", "claims", "checks")


class Study:
    """What a sweep found. Tables are pyarrow's, with the columns of the study directory.

    A study only reads. `write_report` analyses its runs again.

    Args:
        records: the study directory.
        complete: False where the last run of the sweep was interrupted.
        analysis: that the report was just made from; None where it was made earlier.
        problems: a sentence for each part of the report that could not be made.

    Example:
        >>> study = open_study("studies/squirrel-1")  # doctest: +SKIP
        >>> study.factors.to_pandas()  # doctest: +SKIP
    """

    def __init__(
        self,
        records: Records,
        complete: bool = True,
        analysis: Analysis | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        self.records = records
        self.complete = complete
        self.analysis = analysis
        self.problems = tuple(problems)

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
        return self.table("factors")

    @property
    def checks(self) -> pa.Table:
        """What checks found wrong or unusual, with its place in the code."""
        return self.table("checks")

    @property
    def levels(self) -> pa.Table:
        """Adjusted level means."""
        return self.table("levels")

    @property
    def interactions(self) -> pa.Table:
        """Pairs of factors whose effects depend on each other."""
        return self.table("interactions")

    @property
    def causes(self) -> pa.Table:
        """Causes of failures."""
        return self.table("causes")

    @property
    def claims(self) -> pa.Table:
        """The verdict of every claim."""
        return self.table("claims")

    @property
    def best(self) -> dict[str, Any] | None:
        """The best config with its value, interval and trial; None where nothing trained."""
        self._expect("best.json")
        found: dict[str, Any] | None = json.loads(self.records.read("report/best.json"))
        return found

    def table(self, name: str) -> pa.Table:
        """A table of the report, one of `TABLES`.

        Raises:
            StudyError: where the study has no report yet.
        """
        self._expect(f"{name}.parquet")
        return self.records.read_table(f"report/{name}.parquet")

    def _expect(self, name: str) -> None:
        if not self.records.has(f"report/{name}"):
            raise StudyError(
                f"the study {self.directory} has no report yet (no report/{name}); make it by "
                f"`backtrack report {self.directory}`, or by backtrack.write_report"
            )


def open_study(directory: str | Path) -> Study:
    """The study in `directory`, a path or URI.

    Raises:
        StudyError: where there is none, or it is of a format that this version does not read.

    Example:
        >>> open_study("studies/none")
        Traceback (most recent call last):
        ...
        backtrack.errors.StudyError: studies/none holds no study (no manifest.json); give the directory of a sweep
    """
    return Study(Records.open(directory))
