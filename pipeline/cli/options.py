"""Options that several commands share, and what they are read into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtrack.cli.pairs import pairs_from
from backtrack.cli.script_options import ScriptChoices, is_script, script_task

if TYPE_CHECKING:
    from backtrack.running.resources import Resources
    from backtrack.task import Task

NO_SCRIPT = ScriptChoices()

TaskName = Annotated[
    str | None,
    typer.Argument(
        metavar="TASK",
        help="A task file such as mine.py, or the name of a built-in task; `backtrack tasks` lists those.",
    ),
]
TaskFile = Annotated[
    Path | None,
    typer.Option("--task", help="The task file. TASK then picks one of its tasks; leave it out if there is only one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, one object per line.")]
Location = Annotated[str, typer.Argument(help="The study's directory: a path or a URI.")]
DataFile = Annotated[str | None, typer.Option("--data", help="Your own data file, for tasks that accept one.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Set an option of the task: NAME=VALUE, e.g. --set epochs=3.")
]
Goals = Annotated[
    list[str] | None,
    typer.Option(
        "--goal",
        help="Another number to judge by: NAME:min, NAME:max, or with a limit NAME<=LIMIT, NAME>=LIMIT. Repeatable.",
    ),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--fix", help="Hold a factor at one level: FACTOR=LEVEL, e.g. --fix optimiser=adam."),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option("--threshold", help="Set a symptom's threshold: NAME=VALUE, e.g. --threshold dead_units=0.5."),
]
Workers = Annotated[
    int | None, typer.Option(help="Run this many trainings side by side. Default: as many as the CPUs and GPUs allow.")
]
CpusPerTrial = Annotated[
    float | None,
    typer.Option(
        help="Give each training this many CPU cores. Default: 1, or the largest level of a factor `threads`."
    ),
]
GpusPerTrial = Annotated[
    float | None,
    typer.Option(help="Give each training this share of a GPU. Default: the share that its measured memory needs."),
]
TimeLimit = Annotated[
    float | None, typer.Option(help="Stop a training after this many seconds; it counts as timed_out.")
]
MaxMemory = Annotated[
    str | None,
    typer.Option(help="Stop a training that takes more memory than this, such as 2GB; it counts as out_of_memory."),
]
Address = Annotated[str | None, typer.Option(help="Use the Ray cluster at this address. Default: this machine alone.")]
HereOption = Annotated[
    bool, typer.Option("--here", help="For debugging: train in this process, one run after another, without Ray.")
]
Debugger = Annotated[bool, typer.Option("--pdb", help="With --here: open the debugger where a training crashes.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Go on even if every training crashes with the same exception.")
]


def task_from(
    name: str | None,
    file: Path | None,
    data: str | None = None,
    settings: list[str] | None = None,
    fixed: list[str] | None = None,
    thresholds: list[str] | None = None,
    script: ScriptChoices = NO_SCRIPT,
    own_factors: bool = True,
    goals: list[str] | None = None,
) -> Task:
    """The task that the options name, with what they set for it; a script with what was typed about it.

    Args:
        own_factors: whether a script needs factors of its own.
        goals: further numbers to judge by.

    Raises:
        TaskError, SpaceError: for an unknown task, option, factor, level or threshold.
    """
    from backtrack.task import load_task

    options = pairs_from("--set", settings, "epochs=3")
    if data is not None:
        options["data"] = data
    found: Task
    if file is None and name is not None and is_script(name, script):
        found = script_task(name, script, own_factors=own_factors)
    else:
        found = load_task(name, file)
    task = found.with_options(options).with_fixed(pairs_from("--fix", fixed, "optimiser=adam"))
    task = task.with_thresholds(pairs_from("--threshold", thresholds, "dead_units=0.5"))
    if not goals:
        return task
    from backtrack.vocabulary.goals import goal_from

    return task.with_goals([goal_from(one) for one in goals])


def resources_from(
    workers: int | None = None,
    cpus: float | None = None,
    gpus: float | None = None,
    time_limit: float | None = None,
    address: str | None = None,
    max_memory: str | None = None,
) -> Resources:
    """What the options say about machines."""
    from backtrack.running.resources import Resources, bytes_from

    return Resources(
        workers=workers,
        cpus_per_trial=cpus,
        gpus_per_trial=gpus,
        time_limit=time_limit,
        address=address,
        max_memory=bytes_from(max_memory) if max_memory else None,
    )
