"""The last lines of a sweep: what was found, the ranking, and where to look."""

from __future__ import annotations

import json
import shlex

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtrack.evidence.answers import ResponseAnalysis
from backtrack.views.findings import Findings, effect_text, findings_of
from backtrack.views.goals import goals_of
from backtrack.views.numbers import runs_text
from backtrack.views.study import TABLES, Study
from backtrack.views.tables import front_run
from backtrack.vocabulary.responses import FAILURE, GAIN, GAIN_WITH_FAILURES, SPEED

SHOWN = (FAILURE, GAIN, GAIN_WITH_FAILURES, SPEED)
MOST_ROWS = 6
# In a terminal a heading is one narrow column.
SHORT = {"Before any statistics": "Checks"}
VERDICT_STYLE = {"active": "bold red", "goes with": "yellow", "undecided": "dim", "inactive": "blue"}


def print_report(study: Study, tracked: bool) -> None:
    """Findings as sentences, the head of each ranking, and the paths of report and UI.

    Args:
        study: with its analysis.
        tracked: whether it is in MLflow.
    """
    # Piped output has no width of its own; 80 columns would cut the tables.
    console = Console(width=None if Console().is_terminal else 130, highlight=False)
    with console.capture() as captured:
        _print(console, study, tracked)
    # Rich fills the lines of its tables up to their width.
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def _findings(study: Study) -> Findings:
    assert study.analysis is not None
    manifest = study.records.manifest
    return findings_of(
        study.analysis,
        manifest["task"]["metric"],
        manifest["stages"],
        manifest.get("past"),
        study.directory,
    )


def _print(console: Console, study: Study, tracked: bool) -> None:
    assert study.analysis is not None
    findings = _findings(study)
    for heading, sentences in findings.answers:
        if heading == "How sure":
            # The tables below say it.
            continue
        for number, sentence in enumerate(sentences):
            grid = Table.grid(padding=(0, 2))
            grid.add_column(width=12, style="bold")
            grid.add_column()
            grid.add_row(SHORT.get(heading, heading) if number == 0 else "", Text(sentence))
            console.print(grid)
    for name in (*SHOWN, *goals_of(study.analysis)):
        answer = study.analysis.responses.get(name)
        if answer is not None and answer.factors:
            console.print()
            console.print(_ranking(name, answer))
    console.print()
    for problem in study.problems:
        console.print(f"missing  {problem}", soft_wrap=True)
    console.print(f"report   {shlex.quote(f'{study.directory}/report/report.html')}", soft_wrap=True)
    if tracked:
        console.print(f"MLflow   backtrack ui {shlex.quote(study.directory)}", soft_wrap=True)


def print_json(study: Study, tracked: bool) -> None:
    """One object: the tables of the study's report, `best`, and the findings."""
    tables = {name: study.table(name).to_pylist() for name in TABLES}
    result = {
        "event": "result",
        "study": study.directory,
        "complete": study.complete,
        "findings": vars(_findings(study)),
        "problems": list(study.problems),
        "best": study.best,
        "front": [front_run(one) for one in study.analysis.front] if study.analysis is not None else [],
        **tables,
    }
    print(json.dumps(result), flush=True)


def _ranking(name: str, answer: ResponseAnalysis) -> Table:
    title = f"{name.replace('_', ' ')}: {answer.response.kind.question}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, justify in (
        ("#", "right"),
        ("factor", "left"),
        ("effect (95 % interval)", "left"),
        ("p (Holm)", "right"),
        ("verdict", "left"),
        ("best level", "left"),
        ("runs to decide", "right"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for rank, effect in enumerate(answer.factors[:MOST_ROWS], start=1):
        table.add_row(
            str(rank),
            effect.factor.name,
            effect_text(effect, answer),
            "<0.0001" if effect.p_adjusted < 1e-4 else f"{effect.p_adjusted:.2g}",
            Text(effect.verdict, style=VERDICT_STYLE[effect.verdict]),
            effect.best_level,
            runs_text(effect.runs_to_decide),
        )
    more = len(answer.factors) - MOST_ROWS
    if more > 0:
        table.caption = f"and {more} more in the report"
        table.caption_justify = "left"
    return table
