"""The command for runs that exist: analyse."""

from __future__ import annotations

from typing import Annotated

import typer

from backtrack.cli.options import AsJson, Goals
from backtrack.cli.pairs import pairs_from
from backtrack.cli.showing import show

analyse_app = typer.Typer()


@analyse_app.command()
def analyse(
    source: Annotated[
        str,
        typer.Argument(
            help="A table of runs (.csv, .parquet, .jsonl), an Optuna storage (sqlite or journal), an MLflow store "
            "(sqlite or server), or a folder of Ray Tune, W&B or Hydra."
        ),
    ],
    metric: Annotated[
        str | None, typer.Option("--metric", help="The number to judge by. Default: what the source judges by.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="max if more of the metric is better, else min.")] = None,
    factors: Annotated[
        str | None, typer.Option("--factors", help="The settings to ask about: a,b,c. Default: all that can be.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="Only runs with COLUMN=VALUE. May be given again.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Which study or experiment of the storage, where it holds several.")
    ] = None,
    chosen: Annotated[
        str | None,
        typer.Option(
            help="How the runs were chosen, if you know: random, grid, adaptive or by-hand. Default: what the source "
            "tells, else what the runs show."
        ),
    ] = None,
    startup: Annotated[
        int | None, typer.Option(help="So many first runs were drawn beforehand; results chose the others.")
    ] = None,
    chance: Annotated[float | None, typer.Option(help="The metric of a model that has learnt nothing.")] = None,
    goals: Goals = None,
    study: Annotated[str | None, typer.Option(help="The study's directory or URI. Default: a new one.")] = None,
    more: Annotated[
        int, typer.Option("--next", help="Plan so many runs that would decide what these only suggest; 0 for none.")
    ] = 0,
    alpha: Annotated[float, typer.Option(help="Error rate of the verdicts.")] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Tell which settings explain the failures and gains of runs that exist, as far as they can.

    backtrack analyse sqlite:///optuna.db        backtrack analyse runs.csv --metric accuracy --mode max
    """
    from backtrack.running import analysing
    from backtrack.vocabulary.goals import goal_from

    found = analysing.read(
        source,
        metric,
        mode,
        factors=[name.strip() for name in (factors or "").split(",") if name.strip()],
        where={name: str(value) for name, value in pairs_from("--where", where, "task_id=3").items()},
        experiment=experiment,
        chosen=chosen,
        startup=startup,
        chance=chance,
    )
    if not as_json:
        typer.echo("\n".join(found.sentences) + "\n")
    made = analysing.conclude(found, study, chance, alpha, [goal_from(one) for one in goals or ()])
    if more:
        from backtrack.running.suspecting import plan_next

        typer.echo(plan_next(made.directory, more), err=as_json)
    show(made, as_json)
