"""Recurrent cells, their width, and how a line's states become one vector."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from backtrack.vocabulary.factors import Categorical

CELL = Categorical("cell", ["lstm", "gru", "rnn"], description="recurrent cell; rnn = Elman with tanh")

HIDDEN = Categorical("hidden", [32, 64], role="nuisance", description="width of the recurrent state")

READOUT = Categorical("readout", ["last", "mean", "max"], description="which states are read: the last, mean, or max")


def make_cell(name: str, inputs: int, hidden: int, both: bool) -> nn.RNNBase:
    """One recurrent layer whose output is `hidden` wide in either case.

    Args:
        name: "rnn", "gru" or "lstm".
        inputs: width of a symbol's vector.
        hidden: width of the output; where `both`, each direction has half of it.
        both: whether a second cell reads from the end.

    Raises:
        ValueError: for another name.
    """
    kinds: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
    if name not in kinds:
        raise ValueError(f"cell {name!r} is not known; expected one of {CELL.levels}")
    return kinds[name](inputs, hidden // 2 if both else hidden, batch_first=True, bidirectional=both)


def read_out(states: torch.Tensor, real: torch.Tensor, how: str, both: bool) -> torch.Tensor:
    """One vector a line.

    Args:
        states: (batch, time, hidden) outputs of the layer.
        real: (batch, time) true where there is a symbol, false on padding.
        how: `last`: the state after the last position, padding included (of the backward cell: its own last, at
            position 0); `mean` and `max`: over the real positions only.
        both: whether the second half of `hidden` was read from the end.

    Returns:
        (batch, hidden)

    Raises:
        ValueError: for another name.
    """
    if how == "last":
        if not both:
            return states[:, -1]
        half = states.shape[-1] // 2
        return torch.cat([states[:, -1, :half], states[:, 0, half:]], dim=1)
    if how == "mean":
        return (states * real.unsqueeze(-1)).sum(1) / real.sum(1, keepdim=True).clamp(min=1)
    if how == "max":
        return states.masked_fill(~real.unsqueeze(-1), -torch.inf).amax(1)
    raise ValueError(f"read-out {how!r} is not known; expected one of {READOUT.levels}")
