"""Chance, measured: how well the best answer that ignores the input does, and how noisy that number is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from backtrack.task import Data, TorchTask


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
    generator = torch.Generator().manual_seed(0)
    scores = []
    for _ in range(resamples):
        rows = torch.randint(len(targets), (len(targets),), generator=generator).to(targets.device)
        scores.append(task.score(outputs[rows], targets[rows]))
    return Chance(
        metric=task.score(outputs, targets),
        noise=float(torch.tensor(scores, dtype=torch.float64).std()),
        loss=float(task.loss(outputs, targets)),
    )
