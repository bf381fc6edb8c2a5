"""Commands that train: sweep, resume, why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtrack.cli.options import (
    Address,
    AsJson,
    CpusPerTrial,
    DataFile,
    Debugger,
    Fixed,
    Goals,
    GpusPerTrial,
    HereOption,
    KeepGoing,
    Location,
    MaxMemory,
    Settings,
    TaskFile,
    TaskName,
    Thresholds,
    TimeLimit,
    Workers,
    resources_from,
    task_from,
)
from backtrack.cli.script_options import (
    ArgumentTemplate,
    Chance,
    ConfigFile,
    Environment,
    FactorOptions,
    Metric,
    ModeOption,
    ProgramArguments,
    ScriptChoices,
    SeedArgument,
    Unit,
)
from backtrack.cli.showing import conclude, show, show_checkup, view
from backtrack.errors import PlanError, StudyError, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from backtrack.running.explaining import Story
    from backtrack.task import Task

sweep_app = typer.Typer()


@sweep_app.command()
def sweep(
    name: TaskName = None,
    program: ProgramArguments = None,
    task_file: TaskFile = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="How many trainings the whole sweep may run.")] = 200,
    study: Annotated[str | None, typer.Option(help="The study's directory or URI. Default: studies/TASK-1.")] = None,
    seed: Annotated[int, typer.Option(help="The study's seed. The same seed plans the same screen.")] = 0,
    stages: Annotated[
        str,
        typer.Option(
            help="Stages to run, separated by commas. screen=120 also sets how many runs a stage gets. "
            "confirm gets runs only if there are enough (240 in all). "
            "claims runs pairs of trainings that test what the sources say."
        ),
    ] = "screen,search,confirm,backtrack",
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="The share of false verdicts that you accept.")
    ] = 0.05,
    goals: Goals = None,
    until: Annotated[
        str | None,
        typer.Option(help="decided: look as it goes, and stop when every question is decided or cannot be in --runs."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="So much wall time instead of --runs; what fits follows from measured times.")
    ] = None,
    length: Annotated[
        float | None,
        typer.Option(help="Sweep trainings of this share of the length, then check what they name at full length."),
    ] = None,
    metric: Metric = None,
    mode: ModeOption = None,
    factors: FactorOptions = None,
    arguments: ArgumentTemplate = "",
    environment: Environment = None,
    config_file: ConfigFile = "",
    seed_argument: SeedArgument = None,
    chance: Chance = None,
    unit: Unit = "epoch",
    tricks: Annotated[
        bool, typer.Option("--tricks", help="Vary the posts' tricks on this training, applied from outside.")
    ] = False,
    intervene: Annotated[
        list[str] | None,
        typer.Option(
            "--intervene",
            metavar="NAME[=LEVEL,…]",
            help="Vary this intervention on the training, applied from outside. May be given again.",
        ),
    ] = None,
    from_checkup: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Vary what helped in this checkup, or what these past runs suggest: the directory of the study.",
        ),
    ] = None,
    data: DataFile = None,
    settings: Settings = None,
    fixed: Fixed = None,
    thresholds: Thresholds = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    here: HereOption = False,
    debugger: Debugger = False,
    stop_certain: Annotated[
        bool,
        typer.Option(
            "--stop-certain",
            help="End trainings whose outcome is certain: not finite, or at chance for longer than any run of the "
            "study needed to learn. One in twenty goes on to its end, to audit that.",
        ),
    ] = False,
    keep_going: KeepGoing = False,
    mlflow: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow or not.")] = True,
    as_json: AsJson = False,
) -> None:
    """Run a sweep over a task's factors and report which of them explain failures and gains.

    TASK is a task file, a built-in task, or a script as it is: backtrack sweep train.py --metric accuracy --mode max
    --factor lr=1e-4..1e-1:log --factor optimiser=sgd,adam -- --epochs 3
    """
    from backtrack.running import sweeping

    choices = ScriptChoices(
        metric=metric,
        mode=mode,
        factors=tuple(factors or ()),
        arguments=arguments,
        environment=tuple(environment or ()),
        config_file=config_file,
        seed_argument=seed_argument,
        chance=chance,
        unit=unit,
        program=tuple(program or ()),
    )
    changed = tricks or bool(intervene) or from_checkup is not None
    task = task_from(name, task_file, data, settings, fixed, thresholds, choices, not changed, goals)
    if changed:
        task = _changed(task, tricks, intervene or [], from_checkup)
    chosen = [stage.strip() for stage in stages.split(",") if stage.strip()]
    if length is not None and (until is not None or hours is not None):
        raise PlanError("--length goes with --runs; it was given with --until or --hours")
    with view(as_json, debugger) as progress:
        options: dict[str, Any] = {
            "stages": chosen,
            "alpha": alpha,
            "resources": resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory),
            "track": mlflow,
            "stop_certain": stop_certain,
            "keep_going": keep_going,
            "here": here or debugger,
            "debugger": debugger,
            "progress": progress,
        }
        if length is not None:
            from backtrack.running import shortening

            found, checked = shortening.sweep_short(task, length, runs, study, seed, **options)
        else:
            found = sweeping.sweep(task, runs, study, seed, until=until, hours=hours, **options)
    if length is not None and not as_json:
        typer.echo("\n".join(shortening.sentences_of(checked)) + "\n")
    conclude(found, as_json, mlflow)


@sweep_app.command()
def resume(
    study: Location,
    task_file: Annotated[
        Path | None, typer.Option("--task", help="The task file, if it has moved since the sweep began.")
    ] = None,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    here: HereOption = False,
    debugger: Debugger = False,
    keep_going: KeepGoing = False,
    mlflow: Annotated[
        bool | None,
        typer.Option("--mlflow/--no-mlflow", help="Log to MLflow or not. Default: as when the sweep began."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with an interrupted study. No finished run is repeated."""
    from backtrack.records.directory import Records
    from backtrack.running import sweeping

    resources = resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory)
    if Records.open(study).is_checkup:
        from backtrack.running import checking

        told = lambda line: typer.echo(line, err=as_json)  # noqa: E731
        checked = checking.go_on(study, resources=resources, track=mlflow, here=here, told=told)
        show_checkup(checked, as_json, checked.records.is_tracked(mlflow))
        return
    task = sweeping.task_of(Records.open(study), task_file) if task_file is not None else None
    with view(as_json, debugger) as progress:
        found = sweeping.resume(
            study,
            task=task,
            resources=resources,
            track=mlflow,
            keep_going=keep_going,
            here=here or debugger,
            debugger=debugger,
            progress=progress,
        )
    conclude(found, as_json, found.records.is_tracked(mlflow))


@sweep_app.command()
def report(study: Location, as_json: AsJson = False) -> None:
    """Analyse a study's records again, write its report, and print the ranking."""
    from backtrack.records.directory import Records
    from backtrack.running.reporting import write_report

    records = Records.open(study)
    if records.is_checkup:
        from backtrack.running.checking import report_checkup

        show_checkup(report_checkup(records), as_json)
    else:
        show(write_report(records), as_json)


@sweep_app.command()
def why(
    study: Annotated[
        str | None, typer.Argument(help="The study's directory: a path or a URI. With --config, it receives the runs.")
    ] = None,
    trial: Annotated[
        str | None, typer.Argument(help="A failed trial. Leave it out to see all causes that the study knows.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="A built-in task or a task file; --config then says which config you ask about."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="A JSON file with a config of that task that no study has run.")
    ] = None,
    data: DataFile = None,
    settings: Settings = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="Run at most this many further trainings.")] = 100,
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    time_limit: TimeLimit = None,
    address: Address = None,
    max_memory: MaxMemory = None,
    here: HereOption = False,
    as_json: AsJson = False,
) -> None:
    """Tell why a trial failed: the smallest change that mends it, verified; runs what that takes.

    Of a checkup: its answer, from the runs that it did.
    """
    from backtrack.records.directory import Records
    from backtrack.views.checkup import line_of

    resources = resources_from(workers, cpus_per_trial, gpus_per_trial, time_limit, address, max_memory)
    if config is not None or task is not None:
        from backtrack.running.explaining import read_config, why_config

        if config is None or task is None or trial is not None:
            raise TaskError("backtrack why --task TASK --config FILE: expected both, and no trial")
        asked = task_from(task, None, data, settings)
        told = why_config(asked, read_config(config), study, runs=runs, resources=resources, here=here)
        sentences, known = [*told.sentences, f"Study: {told.study}"], [_known(told)]
    elif study is None:
        raise StudyError("backtrack why: expected a study, or --task TASK --config FILE")
    elif Records.open(study).is_checkup:
        from backtrack.running.checking import report_checkup

        checked = report_checkup(Records.open(study))
        if trial is not None:
            typer.echo(line_of(checked.case, trial, checked.records.location), err=as_json)
        show_checkup(checked, as_json)
        return
    elif trial is None:
        sentences, known = _all_causes(study)
    else:
        from backtrack.running.explaining import why as explain

        story = explain(study, trial, runs=runs, resources=resources, here=here)
        sentences, known = story.sentences, [_known(story)]
    typer.echo(json.dumps({"causes": known, "story": sentences}) if as_json else "\n".join(sentences))


def _known(story: Story) -> dict[str, Any]:
    parts = list(map(str, story.cause.parts)) if story.cause else []
    return {"cause": parts, "verified": bool(story.cause and story.cause.verified)}


def _all_causes(study: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Sentences and facts of every cause that a study knows."""
    from backtrack.running.reporting import write_report
    from backtrack.views.cause_sentences import cause_sentence

    analysis = write_report(study).analysis
    assert analysis is not None
    found = [one for one in analysis.causes if not one.cause.refuted]
    known = [{"cause": one.cause.cause, "verified": one.cause.verified} for one in found]
    return [cause_sentence(one) for one in found] or ["No cause explains failures beyond chance."], known


def _changed(task: Task, tricks: bool, intervene: Sequence[str], study: str | None) -> Task:
    """The task with factors that are applied from outside: the posts' tricks, named interventions, or a study's."""
    from backtrack.running import interventions

    def told(line: str) -> None:
        typer.echo(line, err=True)

    if sum([tricks, bool(intervene), study is not None]) > 1:
        raise TaskError("--tricks, --intervene and --from each choose what is varied from outside; give one of them")
    if tricks:
        return interventions.with_tricks(task, told)
    if intervene:
        return interventions.with_named(task, intervene, told)
    return _from_study(task, str(study), told)


def _from_study(task: Task, study: str, told: Callable[[str], None]) -> Task:
    """The task with what another study says is worth asking: a checkup's interventions, or past runs' suspects."""
    from backtrack.running import interventions, suspecting

    if suspecting.is_past(study):
        return suspecting.with_suspects_of(task, study)
    return interventions.with_those_of(task, study, told)
