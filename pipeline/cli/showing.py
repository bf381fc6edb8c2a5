"""What commands that train or report show: while they run, and at their end."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from backtrack.running.checking import CheckupStudy
    from backtrack.views.study import Study

# What is done is recorded; but a part of the report could not be made.
INCOMPLETE_REPORT = 4


def view(as_json: bool, debugger: bool = False) -> Any:
    """What is shown while trainings run."""
    from rich.console import Console

    from backtrack.views.live import view_for

    # A debugger and a view that is redrawn cannot share a terminal.
    return view_for(Console(), as_json, redrawn=not debugger)


def conclude(study: Study, as_json: bool, tracked: bool) -> None:
    """The last lines of a sweep: findings, ranking, where to look; or that it was interrupted."""
    if not study.complete:
        show_study(study, as_json, tracked)
        typer.echo(f"interrupted; go on with: backtrack resume {shlex.quote(study.directory)}", err=True)
        raise typer.Exit(130)
    show(study, as_json, tracked)


def show(study: Study, as_json: bool, tracked: bool = False) -> None:
    """A study's answers; exits with `INCOMPLETE_REPORT` where a part of its report could not be made."""
    show_study(study, as_json, tracked)
    if study.problems:
        raise typer.Exit(INCOMPLETE_REPORT)


def show_checkup(found: CheckupStudy, as_json: bool, tracked: bool = False) -> None:
    """A checkup's answer, as text or JSON."""
    from backtrack.views.checkup import sentences_of

    location, metric = found.records.location, found.records.manifest["task"]["metric"]
    if as_json:
        typer.echo(json.dumps({"study": location, **found.answer.as_json()}))
    else:
        typer.echo("\n" + "\n".join(sentences_of(found.answer, metric, location)))
        if tracked:
            typer.echo(f"MLflow: backtrack ui {shlex.quote(location)}")


def show_study(study: Study, as_json: bool, tracked: bool) -> None:
    """A study's answers, as text or JSON."""
    from backtrack.views.terminal import print_json, print_report

    (print_json if as_json else print_report)(study, tracked)
