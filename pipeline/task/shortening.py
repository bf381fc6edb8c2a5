"""A task that trains a part of its length."""

from __future__ import annotations

from dataclasses import replace

from backtrack.errors import TaskError
from backtrack.task.length import length_of, length_option
from backtrack.task.script_task import ScriptTask
from backtrack.task.torch_task import TorchTask


def shortened(task: object, share: float) -> object:
    """The task with so large a share of its length, at least one epoch or step; all else as it is.

    A torch task trains fewer epochs. A script is given its own option for the length.

    Args:
        task: any task.
        share: of its length, between 0 and 1.

    Raises:
        TaskError: for another share, and where nothing says how long the task trains.

    Example:
        >>> from backtrack import load_task
        >>> shortened(load_task("winners").with_options({"epochs": 8}), 0.25).epochs
        2
    """
    if not 0 < share < 1:
        raise TaskError(f"length {share}: expected a share of the whole length between 0 and 1, such as 0.25")
    if isinstance(task, TorchTask):
        return task.with_options({"epochs": max(1, round(task.epochs * share))})
    if isinstance(task, ScriptTask):
        option = length_option(task)
        if option is not None and option.flag.startswith("-"):
            short = max(1, round(length_of(task, option) * share))
            assert not isinstance(task.command, str)
            return replace(task, command=(*task.command, option.flag, str(short)))
        raise TaskError(
            f"task {task.name!r}: none of the script's options says how long it trains; expected one such as --epochs"
        )
    raise TaskError(
        f"a black box such as {getattr(task, 'name', task)!r} says nothing of its length; expected a torch task, or a "
        "script with an option for it"
    )
