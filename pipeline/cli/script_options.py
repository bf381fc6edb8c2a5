"""Options of commands that take a script as it is, and the script task that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtrack.errors import TaskError

if TYPE_CHECKING:
    from backtrack.task import ScriptTask

ProgramArguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- ARGUMENTS]", help="Of a script or command: its own arguments, after --. They stay as they are."
    ),
]
Metric = Annotated[
    str | None, typer.Option("--metric", help="Of a script: the number to judge by, as it prints or reports it.")
]
ModeOption = Annotated[
    str | None, typer.Option("--mode", help="Of a script: max if more of the metric is better, else min.")
]
FactorOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--factor",
        help="Of a script: a factor, NAME=LEVEL,LEVEL or NAME=LOW..HIGH. Add :log for an even spread over orders of "
        "magnitude, :int for whole numbers, :nuisance for what is only tuned. E.g. --factor lr=1e-4..1e-1:log",
    ),
]
ArgumentTemplate = Annotated[
    str,
    typer.Option("--args", help='Of a script: how levels reach it, such as "optim.lr={lr}". Default: --NAME LEVEL.'),
]
Environment = Annotated[
    list[str] | None,
    typer.Option("--env", help='Of a script: pass a level by environment: VARIABLE=TEMPLATE, e.g. --env "LR={lr}".'),
]
ConfigFile = Annotated[
    str, typer.Option("--config-file", help="Of a script: a JSON or YAML file; each run gets a copy with its levels.")
]
SeedArgument = Annotated[
    str | None,
    typer.Option("--seed-arg", help='Of a script: how it takes a seed, such as --seed. "" for not at all.'),
]
Chance = Annotated[
    float | None, typer.Option("--chance", help="Of a script: the metric of a model that has learnt nothing.")
]
Unit = Annotated[str, typer.Option("--unit", help="Of a script: what its x axis counts: epoch, step, token …")]


@dataclass(frozen=True)
class ScriptChoices:
    """What was typed about a script; see the options of the same names."""

    metric: str | None = None
    mode: str | None = None
    factors: tuple[str, ...] = ()
    arguments: str = ""
    environment: tuple[str, ...] = ()
    config_file: str = ""
    seed_argument: str | None = None
    chance: float | None = None
    unit: str = "epoch"
    program: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether anything was typed that a task file would not take."""
        return replace(self, program=()) != ScriptChoices()


def is_script(name: str | None, choices: ScriptChoices) -> bool:
    """Whether a command's first argument is a script (or another program), not a task.

    Args:
        name: the argument.
        choices: what else was typed.
    """
    from backtrack.task import builtin_tasks
    from backtrack.task.kinds_of_file import is_task_file

    if name is None or name in builtin_tasks():
        return False
    if choices.given or choices.program:
        return True
    return name.endswith(".py") and Path(name).is_file() and not is_task_file(Path(name))


def script_task(name: str, choices: ScriptChoices, needed: bool = True, own_factors: bool = True) -> ScriptTask:
    """The script task that the options describe.

    Args:
        name: of the script or command.
        choices: what was typed about it.
        own_factors: whether it needs factors of its own; with tricks it does not.
        needed: whether factors, metric and mode have to be there; else something harmless stands in for them.

    Raises:
        TaskError, SpaceError: for what is missing or cannot be read, with what the script seems to have.
    """
    from backtrack.cli.pairs import pairs_from
    from backtrack.task import ScriptTask
    from backtrack.task.given_factors import factors_from

    factors, spelled = factors_from(choices.factors)
    if needed:
        _check_complete(name, choices, own_factors)
    fields: dict[str, Any] = {
        "name": Path(name).stem if not name.startswith("python") else "script",
        "command": [name, *choices.program],
        "metric": choices.metric or "loss",
        "mode": choices.mode or "min",
        "factors": factors,
        "arguments": choices.arguments if factors else "",
        "environment": pairs_from("--env", list(choices.environment), "LR={lr}"),
        "config_file": choices.config_file,
        "spelled": spelled,
        "seed_argument": choices.seed_argument,
        "chance": choices.chance,
        "unit": choices.unit,
    }
    return ScriptTask(**fields).within(Path.cwd())


def _check_complete(name: str, choices: ScriptChoices, own_factors: bool) -> None:
    missing = []
    if not choices.metric:
        missing.append("--metric NAME, the number to judge by")
    if choices.mode not in ("min", "max"):
        missing.append("--mode max (more is better) or --mode min")
    if own_factors and not choices.factors:
        missing.append("a --factor NAME=LEVELS or more" + _proposed(name))
    if missing:
        raise TaskError(
            f"{name} is a script, which stays as it is; say also: {'; '.join(missing)}. `backtrack try {name}` shows "
            "which numbers it prints and which options it has; `backtrack init` writes all of it down"
        )


def _proposed(name: str) -> str:
    from backtrack.task.program_options import options_of

    names = [option.name for option in options_of(Path(name))] if name.endswith(".py") and Path(name).is_file() else []
    return f" (it has {', '.join(names[:8])}{' …' if len(names) > 8 else ''})" if names else ""
