"""Options that several commands share, and what they are read into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import TaskError

TaskFile = Annotated[Path | None, typer.Option("--task", help="Python file that exposes `task`, for a task of yours.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output, one JSON object a line.")]
Location = Annotated[str, typer.Argument(help="Study directory, a path or URI.")]
DataFile = Annotated[str | None, typer.Option("--data", help="Data file of yours, for tasks that take one.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the task as NAME=VALUE, e.g. --set epochs=3.")
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
Track = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Whether to log to MLflow.")]


def options_from(data: str | None, settings: list[str] | None) -> dict[str, Any]:
    """`NAME=VALUE` settings as a dict; the data file is one of them.

    Raises:
        TaskError: for a setting of another form.
    """
    options: dict[str, Any] = {}
    for setting in settings or []:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise TaskError(f"--set {setting}: expected NAME=VALUE, such as --set epochs=3")
        options[name.strip()] = value.strip()
    if data is not None:
        options["data"] = data
    return options


def resources_from(
    workers: int | None,
    cpus: float | None,
    gpus: float | None,
    time_limit: float | None,
    address: str | None,
    max_memory: str | None,
) -> Any:
    """What the options say about machines."""
    from pipeline.resources import Resources, bytes_from

    return Resources(workers, cpus, gpus, time_limit, address, bytes_from(max_memory) if max_memory else None)
