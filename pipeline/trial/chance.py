"""Chance, measured: how well the best answer that ignores the input does, and how noisy that number is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from backtrack.task import Data, TorchTask
from backtrack.trial.metrics import own_metric


@dataclass(frozen=True)
class Chance:
    """Args:
    metric: the task's metric of the constant answer on the validation set.
    noise: its standard deviation over bootstrap samples of the validation set.
    loss: the task's loss of the constant answer.
    """

    metric: float
    noise: float
    loss: float


def measure_chance(task: TorchTask, data: Data, like: torch.Tensor, resamples: int = 200) -> Chance:
    """Chance of `task` on `data`.

    Args:
        task: gives the constant answer, the score and the loss.
        data: training targets decide the constant, validation targets judge it.
        like: a model's outputs for the whole validation set, for their shape and type only.
        resamples: bootstrap samples behind the noise.

    Returns:
        `Chance`; the same for the same data, since the bootstrap is seeded.
    """
    targets = data.valid_targets
    outputs = task.constant(data.targets, like)
    return Chance(
        metric=own_metric(task, outputs, targets),
        noise=_spread(lambda rows: own_metric(task, outputs[rows], targets[rows]), targets, resamples),
        loss=float(task.loss(outputs, targets)),
    )


def paired_noise(task: TorchTask, data: Data, outputs: torch.Tensor, resamples: int = 200) -> float:
    """Standard deviation of how much better a model scores than the constant answer, on the same validation rows.

    Both are judged on the same bootstrap samples, so that rows which are hard for either do not count as noise. With
    few rows a regression is seen to learn long before its score leaves the noise of chance alone.

    Args:
        task, data, resamples: as for `measure_chance`.
        outputs: (N, …) the model's, for the whole validation set.
    """
    targets = data.valid_targets
    constant = task.constant(data.targets, outputs)
    return _spread(
        lambda rows: own_metric(task, outputs[rows], targets[rows]) - own_metric(task, constant[rows], targets[rows]),
        targets,
        resamples,
    )


def _spread(number: Callable[[torch.Tensor], float], targets: torch.Tensor, resamples: int) -> float:
    """Standard deviation of `number(rows)` over bootstrap samples of the rows; seeded."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(resamples):
        rows = torch.randint(len(targets), (len(targets),), generator=generator).to(targets.device)
        found.append(number(rows))
    return float(torch.tensor(found, dtype=torch.float64).std())
