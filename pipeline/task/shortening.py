"""A task that trains a part of its length."""

from __future__ import annotations

from dataclasses import replace

from backtrack.errors import TaskError
from backtrack.task.function_task import FunctionTask
from backtrack.task.length import OPTIONS, longer_text, scaled
from backtrack.task.script_task import ScriptTask
from backtrack.task.torch_task import TorchTask


def shortened(task: object, share: float) -> object:
    """The task with so large a share of its length, at least one epoch or step; all else as it is.

    A torch task trains fewer epochs. A script's option, constant or loop for its length becomes smaller; a black box's
    option does, such as `defaults={"epochs": 9}`.

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
        return task.with_options({"epochs": scaled(task.epochs, share)})
    if isinstance(task, ScriptTask):
        if longer_text(task):
            return replace(task, length=task.length * share)
        raise TaskError(
            f"task {task.name!r}: nothing in the script says how long it trains; expected an option such as --epochs, "
            "a constant such as EPOCHS = 20, or a loop such as for epoch in range(20)"
        )
    assert isinstance(task, FunctionTask)
    own = next((name for name in OPTIONS if type(task.options.get(name)) is int), None)
    if own is not None:
        return task.with_options({own: scaled(task.options[own], share)})
    raise TaskError(
        f"task {task.name!r}: this black box says nothing of its length; expected an option for it, such as "
        'defaults={"epochs": 9} with run(config, seed, options)'
    )
