"""Commands for clusters: submit a sweep, watch it, stop it, fetch its study."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from backtrack.cli.options import AsJson, DataFile, TaskFile, TaskName, task_from

cluster_app = typer.Typer()

ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="The dashboard of the Ray cluster, http://host:8265. Default: RAY_API_SERVER_ADDRESS or RAY_ADDRESS.",
    ),
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The id that `backtrack submit` printed.")]


@cluster_app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def submit(
    context: typer.Context,
    study: Annotated[
        str, typer.Option(help="A place that all nodes of the cluster share: a URI (s3://…, gs://…) or a mounted path.")
    ],
    name: TaskName = None,
    task_file: TaskFile = None,
    data: DataFile = None,
    address: ClusterAddress = None,
    attempts: Annotated[int, typer.Option(min=1, help="Start the driver at most this many times.")] = 3,
    passed: Annotated[
        list[str] | None, typer.Option("--pass", help="Pass this environment variable on to the driver.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand a sweep over to a Ray cluster and print its job id. Accepts every option of `sweep`."""
    from backtrack.cluster.submission import Submission
    from backtrack.cluster.submission import submit as hand_over
    from backtrack.stages import split_runs

    # What can be known to be wrong is said here, not by a job an hour later.
    asked = _sweep_options(context, context.args)
    task = task_from(name, task_file, data, asked["settings"], asked["fixed"], asked["thresholds"])
    split_runs(task.space, asked["runs"], [stage.strip() for stage in asked["stages"].split(",") if stage.strip()])
    task.validate()
    job = hand_over(
        Submission(
            task=task.name,
            study=study,
            options=context.args,
            task_file=task.source.file if task.source is not None else None,
            data=data,
            attempts=attempts,
            environment=tuple(passed or ()),
        ),
        address,
    )
    if as_json:
        typer.echo(json.dumps({"job": job, "study": study}))
    else:
        typer.echo(
            f"job {job} submitted; study {study}\nwatch it: backtrack status {job}; backtrack logs {job} --follow"
        )


@cluster_app.command()
def status(job: JobId, address: ClusterAddress = None, as_json: AsJson = False) -> None:
    """Tell how a submitted sweep is getting on."""
    from backtrack.cluster.submission import status as state_of

    state = state_of(job, address)
    if as_json:
        typer.echo(json.dumps(vars(state)))
        return
    done = "not readable from here" if state.recorded is None else f"{state.recorded} of {state.planned} runs"
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(state.outcomes.items()))
    typer.echo(f"{job}: {state.status} {state.message}\ntask {state.task}, study {state.study}: {done}"
               + (f" ({outcomes})" if outcomes else ""))  # fmt: skip


@cluster_app.command()
def logs(
    job: Annotated[str, typer.Argument(metavar="STUDY|JOB", help="A study, with a trial; or a submitted job's id.")],
    trial: Annotated[str | None, typer.Argument(help="Of a study: a trial, such as screen-00012.")] = None,
    address: ClusterAddress = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing until the job ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what one trial of a study said: error, checks, output. Or what a submitted sweep has printed."""
    if trial is not None:
        from backtrack.cli.run_logs import show_run

        show_run(job, trial, as_json)
        return
    from backtrack.cluster.submission import logs as printed

    for piece in printed(job, address, follow):
        typer.echo(piece, nl=False)


@cluster_app.command()
def stop(job: JobId, address: ClusterAddress = None) -> None:
    """End a submitted sweep; its finished runs stay, and the same `submit` goes on with them."""
    from backtrack.cluster.submission import stop as end

    end(job, address)
    typer.echo(f"{job} was asked to stop; submit again with the same --study to go on")


@cluster_app.command()
def fetch(
    source: Annotated[str, typer.Argument(metavar="JOB|STUDY", help="A job's id, or a study's place.")],
    directory: Annotated[str, typer.Argument(help="The directory on this machine that gets the copy.")],
    address: ClusterAddress = None,
) -> None:
    """Copy a study from the cluster's storage to this machine, even while it runs."""
    from backtrack.cluster.submission import fetch as copy

    typer.echo(f"{copy(source, directory, address)} copied to {directory}; backtrack report {directory} shows it")


def _sweep_options(context: typer.Context, arguments: list[str]) -> dict[str, Any]:
    """The options that `backtrack sweep` would see, checked as it checks them."""
    commands = context.find_root().command.commands  # type: ignore[attr-defined]
    found: dict[str, Any] = commands["sweep"].make_context("backtrack sweep", list(arguments)).params
    return found
