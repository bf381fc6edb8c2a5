"""Commands for studies that go on, and judge themselves: extend, health, compare, merge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtrack.cli.options import (
    Address,
    AsJson,
    CpusPerTrial,
    Fixed,
    GpusPerTrial,
    HereOption,
    KeepGoing,
    Location,
    MaxMemory,
    TimeLimit,
    Workers,
    resources_from,
)
from backtrack.cli.pairs import pairs_from
from backtrack.cli.showing import conclude, show, view

living_app = typer.Typer()


@living_app.command()
def extend(
    study: Location,
    runs: Annotated[
        int | None, typer.Option("--runs", "-n", help="So many more trainings; with --until at most so many.")
    ] = None,
    hours: Annotated[float | None, typer.Option(help="So much wall time instead.")] = None,
    until: Annotated[
        str | None, typer.Option(help="decided: stop when every question is decided, or cannot be in --runs.")
    ] = None,
    ask: Annotated[list[str] | None, typer.Option(help="Ask about this factor only. May be given again.")] = None,
    task_file: Annotated[
        Path | None, typer.Option("--task", help="The task file, if it has moved since the sweep began.")
    ] = None,
    same_training: Annotated[
        bool, typer.Option("--same-training", help="The code has changed since, but trains the same.")
    ] = False,
    as_block: Annotated[
        bool,
        typer.Option("--as-block", help="The code has changed since: keep old and new runs apart in the analysis."),
    ] = False,
    was: Annotated[
        list[str] | None, typer.Option("--was", help="Of a new factor: the level that earlier runs had, FACTOR=LEVEL.")
    ] = None,
    fixed: Fixed = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    here: HereOption = False,
    keep_going: KeepGoing = False,
    mlflow: Annotated[
        bool | None,
        typer.Option("--mlflow/--no-mlflow", help="Log to MLflow or not. Default: as when the sweep began."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a complete study more runs where they decide most. The error rate holds over all looks."""
    from backtrack.records.directory import Records
    from backtrack.running import extending, sweeping

    task = sweeping.task_of(Records.open(study), task_file) if task_file is not None or fixed else None
    if task is not None and fixed:
        task = task.with_fixed(pairs_from("--fix", fixed, "optimiser=adam"))
    with view(as_json) as progress:
        found = extending.extend(
            study,
            runs,
            hours=hours,
            until=until,
            ask=ask or (),
            task=task,
            same_training=same_training,
            as_block=as_block,
            was=pairs_from("--was", was, "norm=none"),
            resources=resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory),
            track=mlflow,
            keep_going=keep_going,
            here=here,
            progress=progress,
        )
    conclude(found, as_json, found.records.is_tracked(mlflow))


@living_app.command()
def health(study: Location, as_json: AsJson = False) -> None:
    """Examine a study: ranges, runs, balance, luck, drift, failing regions; say what each finding means."""
    import json

    from backtrack.evidence.health import health_checks
    from backtrack.running.judging import health as examine

    found = examine(study)
    if as_json:
        typer.echo(json.dumps({"health": [flag.plain() for flag in found], "checks": list(health_checks())}))
        return
    if not found:
        typer.echo(f"None of {len(health_checks())} checks found anything.")
    for flag in found:
        typer.echo(f"{flag.name.replace('_', ' ')}: {flag.measured}.")
        typer.echo(f"  This means: {flag.means}.")
        typer.echo(f"  What to do: {flag.remedy}.")


@living_app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A study's directory: a path or a URI.")],
    second: Annotated[str, typer.Argument(help="Another study of the same question.")],
    alpha: Annotated[
        float, typer.Option(help="The share of comparisons with a false difference that you accept.")
    ] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Tell which effects, rates of failure and rules differ between two studies, and which surely do not."""
    from backtrack.running import comparing
    from backtrack.views.comparison import print_comparison

    found = comparing.compare(first, second, alpha)
    if as_json:
        typer.echo(comparing.as_json(found))
    else:
        print_comparison(found, first, second)


@living_app.command()
def merge(
    first: Annotated[str, typer.Argument(help="A study's directory: a path or a URI.")],
    second: Annotated[str, typer.Argument(help="Another study with the same factors.")],
    study: Annotated[str, typer.Option("--study", help="Where the new study goes.")],
    as_json: AsJson = False,
) -> None:
    """Join two studies into one. Each is a block, whose shift the analysis takes out."""
    from backtrack.running.comparing import merge as join

    show(join(first, second, study), as_json)
