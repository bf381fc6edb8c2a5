"""The report: tables, plots and one self-contained page, made from an analysis. Same records, same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.analysis import Analysis, report_tables
from pipeline.report.findings import Findings, findings_of, markdown_summary

if TYPE_CHECKING:
    from pipeline.records import Records

__all__ = ["findings_from", "write_report"]


def findings_from(records: Records, analysis: Analysis) -> Findings:
    """The findings of a study's analysis, as sentences."""
    manifest = records.manifest
    return findings_of(analysis, manifest["task"]["metric"], manifest["stages"], float(manifest["alpha"]))


def write_report(records: Records, analysis: Analysis) -> None:
    """Writes `report/` of the study: tables, `best.json`, `summary.md`, plots, `report.html`.

    Raises:
        StudyError: where the study directory cannot be written.
    """
    from pipeline.report.page import page
    from pipeline.report.plots import plots_of
    from pipeline.report.second_opinion import importances
    from pipeline.rows import all_finished

    manifest = records.manifest
    findings = findings_from(records, analysis)
    for name, table in report_tables(analysis).items():
        records.write_table(f"report/{name}.parquet", table)
    records.write("report/best.json", json.dumps(analysis.best, indent=2).encode())
    title = f"{manifest['task']['name']}, study {manifest['study']}"
    records.write("report/summary.md", markdown_summary(analysis, findings, title).encode())
    trials = records.trials()
    opinions = importances(records.space, all_finished(records.space, trials), manifest["task"]["mode"])
    plots = plots_of(analysis, records.curves(), manifest["task"]["metric"])
    for name, content in plots.items():
        records.write(f"report/plots/{name}", content)
    records.write("report/report.html", page(analysis, findings, plots, trials, manifest, opinions).encode())
