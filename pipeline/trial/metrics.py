"""What a task's score says, as numbers with names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from backtrack.errors import TaskError
from backtrack.task import TorchTask


def named_metrics(task: TorchTask, score: Any) -> dict[str, float]:
    """Several metrics, or the task's one, by their names.

    Args:
        task: whose score it is.
        score: a number, or `{name: number}`.

    Raises:
        TaskError: where several do not have the task's own among them.
    """
    if isinstance(score, Mapping):
        if task.metric not in score:
            raise TaskError(f"task {task.name!r}: score returned {sorted(score)}; expected {task.metric!r} among them")
        return {str(name): float(value) for name, value in score.items()}
    return {task.metric: float(score)}


def own_metric(task: TorchTask, outputs: Any, targets: Any) -> float:
    """The task's metric of some outputs."""
    return named_metrics(task, task.score(outputs, targets))[task.metric]


def as_heard(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss of torch's own as torch has it now: who listens to losses has put a function of its own in its place."""
    name = getattr(function, "__name__", "")
    if getattr(function, "__module__", "") == "torch.nn.functional":
        found: Callable[..., Any] = getattr(torch.nn.functional, name, function)
        return found
    return function
