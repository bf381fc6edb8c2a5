"""The instruments on R replicates that train side by side: one `Watch` each, asked at the same moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from backtrack.watch.instruments import Watch
from backtrack.watch.recorder import Recorder


class Watches(Sequence[Watch]):
    """Instruments on each model; without models nothing is measured.

    Args:
        models: one a replicate, or none.
        steps: update steps of the whole training.
        epochs: validations.
        recorders: one a replicate.
    """

    def __init__(self, models: Sequence[nn.Module], steps: int, epochs: int, recorders: Sequence[Recorder]) -> None:
        self._all = [Watch(model, steps, epochs, one) for model, one in zip(models, recorders, strict=False)]
        for watch in self._all:
            watch.hear_over_time()
        self._moments: list[dict[str, Any]] = []
        self._measured = False

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: Any) -> Any:
        return self._all[number]

    def due(self, step: int) -> bool:
        """Whether a step is measured; each has to be asked, since asking also arms it."""
        self._measured = max([watch.due(step) for watch in self._all], default=False)
        return self._measured

    def before_update(self) -> None:
        """Keeps gradients and weights of a step that is measured."""
        self._moments = [watch.before_update() for watch in self._all] if self._measured else []

    def after_update(self, step: int, epoch: float) -> None:
        """Adds what the symptoms keep of a step that was measured."""
        for watch, moment in zip(self._all, self._moments, strict=False):
            watch.after_update(moment, step, epoch)

    def first_losses(self, losses: Sequence[float], chance: float, epoch: float) -> None:
        """Compares each replicate's first loss with that of chance."""
        for watch, loss in zip(self._all, losses, strict=False):
            if chance > 0:
                watch.conclude({"wrong_first_loss": loss / chance}, 1, epoch)

    def at_divergence(self, number: int, step: int, epoch: float) -> None:
        """Keeps the gradient with which a replicate left the finite numbers."""
        if self._all:
            self._all[number].at_divergence(step, epoch)

    def conclude(self, number: int, numbers: Mapping[str, float], step: int, epoch: float) -> None:
        """Adds numbers that the loop measured itself, by the symptom's name."""
        if self._all:
            self._all[number].conclude(numbers, step, epoch)
