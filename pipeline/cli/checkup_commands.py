"""The command for a training that does not learn: checkup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtrack.cli.options import (
    AsJson,
    HereOption,
    MaxMemory,
    Settings,
    TaskFile,
    TaskName,
    TimeLimit,
    Workers,
    resources_from,
)
from backtrack.cli.script_options import (
    Chance,
    Metric,
    ModeOption,
    ProgramArguments,
    ScriptChoices,
    SeedArgument,
)
from backtrack.cli.showing import show_checkup

if TYPE_CHECKING:
    from pathlib import Path

    from backtrack.task import Task

checkup_app = typer.Typer()


@checkup_app.command()
def checkup(
    name: TaskName = None,
    program: ProgramArguments = None,
    task_file: TaskFile = None,
    metric: Metric = None,
    mode: ModeOption = None,
    chance: Chance = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="How many trainings it may run.")] = 60,
    study: Annotated[str | None, typer.Option(help="The study's directory or URI. Default: a new one.")] = None,
    seed: Annotated[int, typer.Option(help="The study's seed.")] = 0,
    alpha: Annotated[float, typer.Option(help="Error rate of what is called verified.")] = 0.05,
    interventions: Annotated[
        list[str] | None,
        typer.Option("--intervention", help="A Python file with an intervention of your own. May be given again."),
    ] = None,
    improve: Annotated[
        bool, typer.Option("--improve", help="Of a training that learns, also verify what it could still gain.")
    ] = False,
    seed_argument: SeedArgument = None,
    settings: Settings = None,
    workers: Workers = None,
    time_limit: TimeLimit = None,
    max_memory: MaxMemory = None,
    mlflow: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow or not.")] = True,
    here: HereOption = False,
    as_json: AsJson = False,
) -> None:
    """Find out why a training does not learn, with nothing declared: what is wrong, where, and what mends it."""
    from backtrack.running.checking import checkup as run_checkup

    choices = ScriptChoices(
        metric=metric, mode=mode, chance=chance, seed_argument=seed_argument, program=tuple(program or ())
    )
    task = _task(name, task_file, settings, choices)
    found = run_checkup(
        task,
        runs,
        study,
        seed,
        chance=chance,
        alpha=alpha,
        interventions=interventions or (),
        improve=improve,
        resources=resources_from(workers=workers, time_limit=time_limit, max_memory=max_memory),
        track=mlflow,
        here=here,
        told=lambda line: typer.echo(line, err=as_json),
    )
    show_checkup(found, as_json, mlflow)


def _task(name: str | None, file: Path | None, settings: list[str] | None, choices: ScriptChoices) -> Task:
    from backtrack.cli.options import task_from

    return task_from(name, file, settings=settings, script=choices, own_factors=False)
