"""What the loop trains: one model, or several replicates of a config as one stacked model.

Both answer the same calls with one number, or one set of outputs, a replicate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from backtrack.task import TorchTask
from backtrack.trial.metrics import as_heard
from backtrack.trial.runtime import compiled, precision_of


class Replicates(Protocol):
    """R models of one config, each with its own initial weights and its own order of the data.

    Attributes:
        models: one a replicate; their parameters and gradients are the current ones.
        precision: context of a forward pass.
        running: what a forward pass of `models[0]` goes through; another object where it was compiled.
    """

    models: Sequence[nn.Module]
    precision: torch.autocast
    running: nn.Module

    def mode(self, training: bool) -> None:
        """Training or evaluation mode."""
        ...

    def backward(self, inputs: Tensor, targets: Tensor, apart: bool) -> Tensor:
        """Gradients of a step.

        Args:
            inputs, targets: (R, batch, …) and (R, batch).
            apart: whether each model's own forward pass is needed, for what listens to it.

        Returns:
            (R,) losses, detached.
        """
        ...

    def update(self, clip: float | None) -> None:
        """One step of the optimiser; each replicate's gradient is clipped to the norm `clip` by itself."""
        ...

    def predict(self, inputs: Tensor) -> Tensor:
        """(R, batch, …) outputs for the same (batch, …) inputs, in evaluation mode, without gradients."""
        ...


class Alone:
    """One model.

    Args:
        task: gives the loss and the optimiser.
        model: to be trained.
        levels: of the config.
        device: where the model is.
    """

    def __init__(self, task: TorchTask, model: nn.Module, levels: Mapping[str, Any], device: str) -> None:
        self.models: Sequence[nn.Module] = (model,)
        self.loss = task.loss
        self.optimiser = task.optimiser(model, levels)
        self.precision = precision_of(levels, device)
        self.running = compiled(model, levels)

    def mode(self, training: bool) -> None:
        """Training or evaluation mode."""
        self.running.train(training)

    def backward(self, inputs: Tensor, targets: Tensor, apart: bool) -> Tensor:
        with self.precision:
            loss = as_heard(self.loss)(self.running(inputs[0]), targets[0])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return loss.detach()[None]

    def update(self, clip: float | None) -> None:
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.models[0].parameters(), clip)
        self.optimiser.step()

    def predict(self, inputs: Tensor) -> Tensor:
        with self.precision:
            return self.running(inputs)[None]
