"""Options that several commands share, and what they are read into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtrack.errors import TaskError

if TYPE_CHECKING:
    from backtrack.running.resources import Resources
    from backtrack.task import Task

TaskName = Annotated[
    str | None,
    typer.Argument(
        metavar="TASK",
        help="A task file such as mine.py, or the name of a built-in task; `backtrack tasks` lists those.",
    ),
]
TaskFile = Annotated[
    Path | None, typer.Option("--task", help="The task file; TASK then says which of its tasks, and may be left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output, one JSON object a line.")]
Location = Annotated[str, typer.Argument(help="Study directory, a path or URI.")]
DataFile = Annotated[str | None, typer.Option("--data", help="Data file of yours, for tasks that take one.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the task as NAME=VALUE, e.g. --set epochs=3.")
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--fix", help="Hold a factor at one level: FACTOR=LEVEL, e.g. --fix optimiser=adam."),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option("--threshold", help="Threshold of a symptom: NAME=VALUE, e.g. --threshold dead_units=0.5."),
]
Workers = Annotated[int | None, typer.Option(help="Trainings side by side. Default: what the CPUs and GPUs allow.")]
CpusPerTrial = Annotated[
    float | None,
    typer.Option(help="CPU cores of each training. Default: 1, or the most that a factor `threads` gives it."),
]
GpusPerTrial = Annotated[
    float | None, typer.Option(help="Share of a GPU for each training. Default: a share where there is a GPU.")
]
TimeLimit = Annotated[float | None, typer.Option(help="Seconds that one training may take; then it is timed_out.")]
MaxMemory = Annotated[
    str | None,
    typer.Option(help="Memory that one training may take, such as 2GB; beyond it ends out_of_memory."),
]
Address = Annotated[str | None, typer.Option(help="Address of a running Ray cluster. Default: this machine.")]
HereOption = Annotated[
    bool, typer.Option("--here", help="Train in this process, one after another, without Ray: for debugging.")
]
Debugger = Annotated[bool, typer.Option("--pdb", help="With --here: open the debugger where a training crashes.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Go on where every training crashes with the same exception.")
]


def task_from(
    name: str | None,
    file: Path | None,
    data: str | None = None,
    settings: list[str] | None = None,
    fixed: list[str] | None = None,
    thresholds: list[str] | None = None,
) -> Task:
    """The task that the options name, with what they set for it.

    Raises:
        TaskError, SpaceError: for an unknown task, option, factor, level or threshold.
    """
    from backtrack.task import load_task

    options = pairs_from("--set", settings, "epochs=3")
    if data is not None:
        options["data"] = data
    task = load_task(name, file).with_options(options).with_fixed(pairs_from("--fix", fixed, "optimiser=adam"))
    return task.with_thresholds(pairs_from("--threshold", thresholds, "dead_units=0.5"))


def pairs_from(option: str, given: list[str] | None, example: str) -> dict[str, Any]:
    """`NAME=VALUE` as a dict.

    Args:
        option: that it was given with.
        given: what was given; None for nothing.
        example: of one that would do.

    Raises:
        TaskError: for one of another form.
    """
    pairs: dict[str, Any] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise TaskError(f"{option} {one}: expected NAME=VALUE, such as {option} {example}")
        pairs[name.strip()] = value.strip()
    return pairs


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
