"""The command line: a thin skin over `pipeline.sweep`, `pipeline.resume` and `pipeline.open_study`.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline.cli_cluster import cluster_app
from pipeline.cli_options import (
    Address,
    AsJson,
    CpusPerTrial,
    DataFile,
    GpusPerTrial,
    Location,
    MaxMemory,
    Settings,
    TaskFile,
    TimeLimit,
    Track,
    Workers,
    options_from,
    resources_from,
)
from pipeline.errors import BacktrackError, StudyError, TaskError

if TYPE_CHECKING:
    from pipeline.study import Study

app = typer.Typer(
    name="backtrack",
    help="Find out why a model does not train, or why it trains better: sweeps that explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _common(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole trace of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}


@app.command()
def sweep(
    name: Annotated[str, typer.Argument(metavar="TASK", help="Name of the task; `backtrack tasks` lists them.")],
    task_file: TaskFile = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="Training runs over all stages: the cost.")] = 200,
    study: Annotated[str | None, typer.Option(help="Directory or URI for the study. Default: studies/TASK-1.")] = None,
    seed: Annotated[int, typer.Option(help="Of the study: the same seed plans the same screen.")] = 0,
    stages: Annotated[
        str,
        typer.Option(
            help="Stages to run, separated by commas, each with its runs if you want to choose them (screen=120). "
            "confirm gets runs where there are enough for it (240 in all). "
            "claims: pairs of runs for what the sources say."
        ),
    ] = "screen,search,confirm,backtrack",
    alpha: Annotated[float, typer.Option(min=1e-6, max=0.5, help="Error rate of the verdicts.")] = 0.05,
    data: DataFile = None,
    settings: Settings = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option("--fix", help="Hold a factor at one level: FACTOR=LEVEL, e.g. --fix optimiser=adam."),
    ] = None,
    thresholds: Annotated[
        list[str] | None,
        typer.Option("--threshold", help="Threshold of a symptom: NAME=VALUE, e.g. --threshold dead_units=0.5."),
    ] = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    mlflow: Track = True,
    as_json: AsJson = False,
) -> None:
    """Run a sweep over a task's factors and report which of them explain failures and gains."""
    from pipeline import sweeping
    from pipeline.task import load_task

    task = load_task(name, task_file).with_options(options_from(data, settings)).with_fixed(options_from(None, fixed))
    task = task.with_thresholds(options_from(None, thresholds))
    directory = study or sweeping.default_directory(name)
    resources = resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory)
    with _view(as_json) as view:
        found = sweeping.sweep(
            task,
            runs,
            directory,
            seed,
            stages=[stage.strip() for stage in stages.split(",") if stage.strip()],
            alpha=alpha,
            resources=resources,
            track=mlflow,
            source=str(task_file) if task_file else "builtin",
            progress=view,
        )
    _conclude(found, as_json, mlflow)


@app.command()
def resume(
    study: Location,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    mlflow: Track = True,
    as_json: AsJson = False,
) -> None:
    """Go on with an interrupted study from its records; no finished run is repeated."""
    from pipeline import sweeping

    resources = resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory)
    with _view(as_json) as view:
        found = sweeping.resume(study, resources=resources, track=mlflow, progress=view)
    _conclude(found, as_json, mlflow)


@app.command()
def report(study: Location, as_json: AsJson = False) -> None:
    """Analyse a study's records again, write its report, and print the ranking."""
    from pipeline.study import open_study

    found = open_study(study)
    found.analyse()
    _show(found, as_json)


@app.command()
def why(
    study: Annotated[
        str | None, typer.Argument(help="Study directory, a path or URI. With --config: where the runs go.")
    ] = None,
    trial: Annotated[
        str | None, typer.Argument(help="A failed trial; without it, all causes that the study knows.")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="A built-in task or a task file, to ask about a config of it.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="JSON file with a config that never was in a study; with --task.")
    ] = None,
    data: DataFile = None,
    settings: Settings = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="At most so many further training runs.")] = 100,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    as_json: AsJson = False,
) -> None:
    """Tell why a trial failed: the smallest change that mends it, verified; runs what that takes."""
    resources = resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory)
    if config is not None or task is not None:
        from pipeline.sweeping import default_directory
        from pipeline.task import load_any
        from pipeline.why import read_config, why_config

        if config is None or task is None or trial is not None:
            raise TaskError("backtrack why --task TASK --config FILE: expected both, and no trial")
        asked = load_any(task).with_options(options_from(data, settings))
        place = study or default_directory(f"why-{asked.name}")
        source = task if task.endswith(".py") else "builtin"
        told = why_config(asked, read_config(config), place, runs=runs, resources=resources, source=source)
        sentences = [*told.sentences, f"Study: {place}"]
        parts = list(map(str, told.cause.parts)) if told.cause else []
        known = {"causes": [{"cause": parts, "verified": bool(told.cause and told.cause.verified)}]}
    elif study is None:
        raise StudyError("backtrack why: expected a study, or --task TASK --config FILE")
    elif trial is None:
        from pipeline.report.findings import cause_sentence
        from pipeline.study import open_study

        found = [one for one in open_study(study).analyse().causes if not one.cause.refuted]
        sentences = [cause_sentence(one) for one in found] or ["No cause explains failures beyond chance."]
        known = {"causes": [{"cause": one.cause.cause, "verified": one.cause.verified} for one in found]}
    else:
        from pipeline.why import why as explain

        story = explain(study, trial, runs=runs, resources=resources)
        sentences = story.sentences
        parts = list(map(str, story.cause.parts)) if story.cause else []
        known = {"causes": [{"cause": parts, "verified": bool(story.cause and story.cause.verified)}]}
    typer.echo(json.dumps({**known, "story": sentences}) if as_json else "\n".join(sentences))


@app.command()
def doctor(
    study: Annotated[str, typer.Option(help="Where studies would go.")] = "studies",
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    as_json: AsJson = False,
) -> None:
    """Look at driver, CUDA, devices, memory and disk; tell what a sweep would do here, and what stands in the way."""
    from pipeline.doctor import examine

    findings = examine(study, resources_from(workers, cpus_per_trial, gpus_per_trial, None, None, None))
    for finding in findings:
        if as_json:
            typer.echo(json.dumps(vars(finding)))
        else:
            typer.echo(f"{'ok  ' if finding.good else 'MEND'} {finding.name}: {finding.value}")
            if finding.remedy:
                typer.echo(f"       {finding.remedy}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@app.command()
def sync(study: Location) -> None:
    """Write to MLflow what is missing there of a study, without doubles."""
    from pipeline import tracking
    from pipeline.records import Records

    records = Records.open(study)
    written = tracking.sync(records)
    typer.echo(f"{written} trials written to {tracking.tracking_uri(records)}")


@app.command()
def ui(
    study: Annotated[str, typer.Argument(help="A study whose MLflow store is shown.")] = "studies",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Show the MLflow UI of a study (or of all studies in a directory) on 127.0.0.1 until Ctrl-C."""
    from pipeline.records import Records
    from pipeline.tracking import page_of

    store = os.environ.get("MLFLOW_TRACKING_URI") or _store_of(study)
    page = page_of(Records.open(study)) if (Path(study) / "manifest.json").exists() else ""
    typer.echo(f"MLflow UI of {store}: http://127.0.0.1:{port}{page} (Ctrl-C ends it)")
    # In place of this process, so that whatever ends the command ends the server with it.
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(port)])


@app.command()
def tasks(as_json: AsJson = False) -> None:
    """List the built-in tasks."""
    from pipeline.task import builtin_tasks, load_task

    for name in builtin_tasks():
        task = load_task(name)
        if as_json:
            typer.echo(json.dumps({"task": name, "description": task.description, "factors": len(task.space.factors)}))
        else:
            typer.echo(f"{name:12} {task.description} ({len(task.space.factors)} factors)")


@app.command()
def factors(
    name: Annotated[str, typer.Argument(metavar="TASK", help="Name of the task.")],
    task_file: TaskFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a task's factors with their levels, conditions, roles, claims and sources."""
    from pipeline.factor_json import describe_factor
    from pipeline.space import describe_levels, label
    from pipeline.task import load_task

    task = load_task(name, task_file)
    for factor in task.space:
        if as_json:
            typer.echo(json.dumps(describe_factor(factor)))
            continue
        conditions = "; ".join(
            f"when {parent} is {' or '.join(label(level) for level in levels)}"
            for parent, levels in (factor.when or {}).items()
        )
        typer.echo(
            f"{factor.name}: {describe_levels(factor)}   [{factor.role}]" + (f" {conditions}" if conditions else "")
        )
        if factor.description:
            typer.echo(f"    {factor.description}")
        for claim in factor.claims:
            typer.echo(f"    claim: {claim.text} ({claim.contrast}, on {claim.on})")
            typer.echo(f"           {claim.source}")


@app.command()
def claims(
    name: Annotated[str | None, typer.Argument(metavar="TASK", help="Name of a task; default: all.")] = None,
    task_file: TaskFile = None,
    as_json: AsJson = False,
) -> None:
    """List the claims that tasks put to the test, with their contrasts and sources."""
    from pipeline.task import builtin_tasks, load_task

    for one in [name] if name else builtin_tasks():
        for factor in load_task(one, task_file).space:
            for claim in factor.claims:
                row = {"task": one, "factor": factor.name, "claim": claim.text, "contrast": claim.contrast,
                       "response": claim.on, "expect": claim.expect, "source": claim.source}  # fmt: skip
                if as_json:
                    typer.echo(json.dumps(row))
                else:
                    typer.echo(f"{one}: {claim.text}\n    {factor.name}: {claim.contrast}, on {claim.on}")
                    typer.echo(f"    {claim.source}")


def _view(as_json: bool) -> Any:
    from rich.console import Console

    from pipeline.console import view_for

    return view_for(Console(), as_json)


def _conclude(study: Study, as_json: bool, tracked: bool) -> None:
    """The last lines of a sweep: findings, ranking, where to look; or that it was interrupted."""
    _show(study, as_json, tracked)
    if not study.complete:
        typer.echo(f"interrupted; go on with: backtrack resume {study.directory}", err=True)
        raise typer.Exit(130)


def _show(study: Study, as_json: bool, tracked: bool = False) -> None:
    from pipeline.terminal import print_json, print_report

    (print_json if as_json else print_report)(study, tracked)


def _store_of(study: str) -> str:
    place = Path(study).expanduser().resolve()
    for folder in (place, place.parent):
        if (folder / "mlflow.db").exists():
            return f"sqlite:///{folder / 'mlflow.db'}"
    raise StudyError(
        f"there is no mlflow.db in {place} or beside it; give the directory of a study that was run with MLflow, "
        f"or run `backtrack sync {study}` first"
    )


app.add_typer(cluster_app)


def main() -> None:
    """Entry point: one paragraph for a fault that we know, the trace with `--debug`."""
    try:
        app()
    except BacktrackError as fault:
        if "--debug" in sys.argv:
            raise
        if os.environ.get("BACKTRACK_TRACE"):
            # A job's log is read by somebody who cannot ask again with --debug.
            traceback.print_exc()
        _fail(str(fault), fault.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; what had finished is recorded", 130)


def _fail(message: str, code: int = 2) -> NoReturn:
    typer.echo(f"backtrack: {message}", err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
