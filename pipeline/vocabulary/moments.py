"""Mean and deviation of batches that come one after another, without keeping them."""

from __future__ import annotations

from typing import Any

# Dimensions of a batch whose features are told apart; of more, as of images, all numbers have one scale.
FEATURES = 2


class Moments:
    """Mean and deviation of each feature of the batches that were added; of images and the like, of all numbers.

    Example:
        >>> import torch
        >>> moments = Moments()
        >>> moments.add(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
        >>> moments.mean.tolist(), moments.deviation.tolist()
        ([2.0, 5.0], [1.0, 0.0])
    """

    def __init__(self) -> None:
        self.batches, self.examples = 0, 0
        self._rows = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0

    def add(self, batch: Any) -> None:
        """Adds a batch, (n, features) or (n, …), of floating numbers."""
        values = batch.detach().double()
        rows = values if batch.ndim == FEATURES else values.reshape(-1, 1)
        self.batches, self.examples, self._rows = self.batches + 1, self.examples + len(batch), self._rows + len(rows)
        self._sum, self._squares = self._sum + rows.sum(0), self._squares + rows.square().sum(0)

    @property
    def mean(self) -> Any:
        """(features,) means."""
        return self._sum / self._rows

    @property
    def deviation(self) -> Any:
        """(features,) standard deviations."""
        return (self._squares / self._rows - self.mean**2).clamp_min(0).sqrt()
