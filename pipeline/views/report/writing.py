"""Writes a study's report: tables, `best.json`, `summary.md`, plots, `report.html`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from backtrack.errors import BacktrackError
from backtrack.evidence.analysis import Analysis
from backtrack.evidence.health import Flag, examine
from backtrack.evidence.shorter import Shorter, shorter
from backtrack.evidence.studied import examined
from backtrack.records.directory import Records
from backtrack.records.rows import all_finished
from backtrack.views.findings import findings_of, markdown_summary
from backtrack.views.plots.overview import plots_of
from backtrack.views.report.page import page
from backtrack.views.report.second_opinion import importances
from backtrack.views.tables import report_tables

T = TypeVar("T")
# The whole trace of each part that could not be made.
PROBLEMS = "report/problems.txt"


class Workshop:
    """Makes the parts of a report; one that fails becomes a note, and the others are made all the same.

    Attributes:
        notes: a sentence for each part that could not be made.
        traces: their traces.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.traces: list[str] = []

    def make(self, what: str, part: Callable[[], T], otherwise: T) -> T:
        """What `part` returns; where it fails, `otherwise`, and a note that says why.

        Args:
            what: name of the part, for the note.
            part: makes it.
            otherwise: what stands in its place.

        Raises:
            BacktrackError: what the user has to know at once, such as a full disk.
        """
        try:
            return part()
        except BacktrackError:
            raise
        except Exception as fault:
            self.notes.append(f"{what} could not be made: {type(fault).__name__}: {fault}")
            self.traces.append(f"{what}\n{traceback.format_exc()}")
            return otherwise


def write_report(records: Records, analysis: Analysis) -> list[str]:
    """Writes `report/` of a study.

    Args:
        records: the study.
        analysis: of its runs.

    Returns:
        A note for each part that could not be made; empty where all were. `report/problems.txt` has their traces.

    Raises:
        StudyError: where the study directory cannot be written.
    """
    manifest = records.manifest
    metric, shop = manifest["task"]["metric"], Workshop()
    for name, table in report_tables(analysis).items():
        records.write_table(f"report/{name}.parquet", table)
    records.write("report/best.json", json.dumps(analysis.best, indent=2).encode())
    findings = findings_of(analysis, metric, manifest["stages"], manifest.get("past"), records.location)
    title = f"{manifest['task']['name']}, study {manifest['study']}"
    summary = shop.make("the summary", lambda: markdown_summary(analysis, findings, title), "")
    records.write("report/summary.md", summary.encode())
    trials = records.trials()
    none: dict[str, dict[str, float]] = {}
    opinions = shop.make(
        "the second opinion",
        lambda: importances(records.space, all_finished(records.space, trials), manifest["task"]["mode"]),
        none,
    )
    unexamined: list[Flag] = []
    flags = shop.make("the examination", lambda: examine(examined(records, analysis)), unexamined)
    records.write("report/health.json", json.dumps([flag.plain() for flag in flags], indent=2).encode())
    unread: list[Shorter] = []
    early = shop.make(
        "what shorter trainings would have told",
        lambda: shorter(analysis, records.curves(), metric, manifest["task"]["mode"]),
        unread,
    )
    records.write("report/shorter.json", json.dumps([asdict(one) for one in early], indent=2).encode())
    plots = plots_of(analysis, records.curves(), metric, shop.make, manifest["task"].get("unit", "epoch"))
    for name, content in plots.items():
        records.write(f"report/plots/{name}", content)
    records.write(
        "report/report.html",
        page(analysis, findings, plots, trials, manifest, opinions, shop.notes, flags, early).encode(),
    )
    if shop.traces or records.has(PROBLEMS):
        records.write(PROBLEMS, "\n".join(shop.traces).encode())
    return shop.notes
