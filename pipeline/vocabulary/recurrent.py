"""The names of torch's recurrent layers, which read whole lines, and of its cells, which read a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LAYERS = ("RNN", "GRU", "LSTM")
CELLS = ("RNNCell", "GRUCell", "LSTMCell")


def layers_in(model: Any, kinds: Sequence[str] = LAYERS) -> list[Any]:
    """The recurrent layers of a model, in the order of its modules.

    Args:
        model: an `nn.Module`.
        kinds: names of the classes that count.

    Example:
        >>> import torch
        >>> [layer.hidden_size for layer in layers_in(torch.nn.ModuleList([torch.nn.GRU(3, 4), torch.nn.Linear(4, 2)]))]
        [4]
    """
    return [module for module in model.modules() if type(module).__name__ in kinds]


def time_axis(layer: Any) -> int:
    """The dimension of the steps in what a recurrent layer gets and gives.

    Example:
        >>> import torch
        >>> time_axis(torch.nn.GRU(3, 4)), time_axis(torch.nn.GRU(3, 4, batch_first=True))
        (0, 1)
    """
    return 1 if layer.batch_first else 0


def reads_one_step(module: Any, given: Any) -> bool:
    """Whether a call of a module reads a single step: a cell, or a recurrent layer that gets lines of one step.

    Example:
        >>> import torch
        >>> reads_one_step(torch.nn.GRU(3, 4, batch_first=True), torch.ones(8, 1, 3))
        True
        >>> reads_one_step(torch.nn.GRU(3, 4, batch_first=True), torch.ones(1, 8, 3))
        False
    """
    kind = type(module).__name__
    line = kind in LAYERS and getattr(given, "ndim", 0) == 3
    return kind in CELLS or (line and given.shape[time_axis(module)] == 1)
