"""Commands about a script as it is: try, watch, init."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from backtrack.cli.options import AsJson, TimeLimit
from backtrack.cli.script_options import (
    ArgumentTemplate,
    ConfigFile,
    FactorOptions,
    Metric,
    ModeOption,
    ProgramArguments,
    ScriptChoices,
    SeedArgument,
    script_task,
)
from backtrack.errors import TaskError

script_app = typer.Typer()

Script = Annotated[str, typer.Argument(metavar="SCRIPT", help="A Python script, or any command.")]


@script_app.command("try")
def try_(
    script: Script,
    program: ProgramArguments = None,
    metric: Metric = None,
    mode: ModeOption = None,
    factors: FactorOptions = None,
    arguments: ArgumentTemplate = "",
    config_file: ConfigFile = "",
    seed_argument: SeedArgument = None,
    time_limit: TimeLimit = None,
    as_json: AsJson = False,
) -> None:
    """Run a script once: which numbers does it say, which options has it, what do checks find?"""
    from backtrack.running.trying import sentences_of, try_once

    if mode not in (None, "min", "max"):
        raise TaskError(f"--mode is {mode}; expected max (more is better) or min")
    choices = ScriptChoices(
        metric=metric,
        mode=mode,
        factors=tuple(factors or ()),
        arguments=arguments,
        config_file=config_file,
        seed_argument=seed_argument,
        program=tuple(program or ()),
    )
    tried = try_once(script_task(script, choices, needed=False), metric, bool(factors), time_limit)
    if as_json:
        typer.echo(json.dumps(_as_json(tried)))
    else:
        typer.echo("\n".join(sentences_of(tried, metric)))
        if tried.metric and tried.result.outcome == "ok":
            typer.echo(f"next     {_checkup_of(script, choices)}")
        if tried.result.outcome not in ("ok", "timed_out"):
            typer.echo("\nIts last words:\n" + _last_lines(tried.result.output), err=True)
    if tried.result.outcome == "crashed":
        raise typer.Exit(1)


@script_app.command()
def watch(
    script: Script, program: ProgramArguments = None, time_limit: TimeLimit = None, as_json: AsJson = False
) -> None:
    """Watch one run of a script, outside of any sweep: what checks and symptoms see."""
    from backtrack.running.trying import sentences_of, try_once

    tried = try_once(
        script_task(script, ScriptChoices(program=tuple(program or ())), needed=False), None, False, time_limit
    )
    if as_json:
        typer.echo(json.dumps(_as_json(tried)))
        return
    shown = [line for line in sentences_of(tried, None) if not line.startswith(("numbers", "options"))]
    typer.echo("\n".join(shown))


@script_app.command()
def init(
    script: Annotated[Path, typer.Argument(help="A Python script.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The task file to write. Default: sweep_SCRIPT.py.")
    ] = None,
    metric: Metric = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the task file if it is there.")] = False,
) -> None:
    """Write a task file for a script: its options as factors, with ranges around their values."""
    from backtrack.task.proposing import task_file_for

    if not script.is_file():
        raise TaskError(f"{script} does not exist; expected a Python script")
    target = output or script.parent / f"sweep_{script.stem}.py"
    if target.exists() and not force:
        raise TaskError(f"{target} exists; give another name with --output, or replace it with --force")
    target.write_text(task_file_for(script.resolve(), target.resolve(), metric))
    typer.echo(f"wrote {target}: read it, then\n    backtrack sweep {target} --runs 120")


def _checkup_of(script: str, choices: ScriptChoices) -> str:
    """The command that finds out why it does not train."""
    words = ["backtrack", "checkup", script, "--metric", choices.metric or "", "--mode", choices.mode or "max"]
    own = ["--", *choices.program] if choices.program else []
    return shlex.join([*words, *own]) + ("" if choices.mode else "   (--mode min where less is better)")


def _as_json(tried: Any) -> dict[str, Any]:
    result = tried.result
    return {
        "command": tried.command,
        "outcome": result.outcome,
        "seconds": result.seconds,
        "error": result.error,
        "error_place": result.error_place,
        "numbers": {name: {"reports": count, "last": last} for name, (count, last) in tried.series.items()},
        "metric": tried.metric,
        "options": [asdict(option) for option in tried.options],
        "checks": [asdict(found) for found in result.checks],
        "symptoms": list(result.symptoms),
    }


def _last_lines(text: str, most: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-most:])
