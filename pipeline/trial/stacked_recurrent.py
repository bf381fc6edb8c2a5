"""Recurrent layers of stacked replicates, from operations that take a dimension of copies.

torch's own recurrent layers are fused kernels for one set of weights. Here the copies' steps are batched matrix
products: one call a time step for all copies, instead of one for each.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class NotStackable(Exception):
    """These replicates cannot be trained as one stacked model; they are trained one after another."""


def make_batchable(model: nn.Module) -> None:
    """Gives every recurrent layer of `model`, in place, a forward pass that `torch.vmap` can run over copies, and every
    embedding with a padding row one that keeps that row without a gradient in each copy (`vmap` does so in the first).

    Raises:
        NotStackable: for projections, dropout between layers, or a recurrent layer of another kind; for embeddings
            whose rows or gradients are scaled.
    """
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            if module.max_norm is not None or module.scale_grad_by_freq or module.sparse:
                raise NotStackable(f"an embedding {module} with scaled rows or gradients, or sparse ones")
            if module.padding_idx is not None:
                module.forward = MethodType(_embed, module)  # type: ignore[method-assign]
        if not isinstance(module, nn.RNNBase):
            continue
        if type(module) not in (nn.RNN, nn.GRU, nn.LSTM) or module.proj_size or module.dropout:
            raise NotStackable(f"a recurrent layer {module} with projections, dropout or of another kind")
        if isinstance(module, nn.RNN) and module.nonlinearity != "tanh":
            raise NotStackable(f"a recurrent layer with {module.nonlinearity}")
        module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _embed(self: nn.Embedding, symbols: Tensor) -> Tensor:
    """As the layer's own."""
    assert self.padding_idx is not None
    rows = functional.embedding(symbols, self.weight)
    return torch.where(symbols.eq(self.padding_idx).unsqueeze(-1), rows.detach(), rows)


def _forward(self: nn.RNNBase, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """As the layer's own, for inputs of three dimensions and no given state."""
    if state is not None or not isinstance(inputs, Tensor) or inputs.ndim != 3:
        raise NotStackable("a recurrent layer that is given a state, a packed sequence or a single line")
    outputs = inputs.transpose(0, 1) if self.batch_first else inputs
    last, cells = [], []
    for layer in range(self.num_layers):
        sides = []
        for backwards in range(2 if self.bidirectional else 1):
            end = f"l{layer}{'_reverse' if backwards else ''}"
            weights = [getattr(self, f"weight_{of}_{end}") for of in ("ih", "hh")]
            biases = [getattr(self, f"bias_{of}_{end}") if self.bias else torch.zeros_like(weights[0][:, 0])
                      for of in ("ih", "hh")]  # fmt: skip
            seen = outputs.flip(0) if backwards else outputs
            states, cell = _Recurrence.apply(self.mode, seen, *weights, *biases)
            last.append(states[-1])
            cells.append(cell)
            sides.append(states.flip(0) if backwards else states)
        outputs = torch.cat(sides, -1)
    final = torch.stack(last)
    outputs = outputs.transpose(0, 1) if self.batch_first else outputs
    return outputs, (final, torch.stack(cells)) if self.mode == "LSTM" else final


class _Recurrence(torch.autograd.Function):
    """One direction of one layer, inside `torch.vmap`; its gradient is that of the operations it is made of."""

    @staticmethod
    def forward(*_: Any) -> Any:
        raise NotStackable("a recurrent layer outside of the copies")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: see `vmap`."""

    @staticmethod
    def vmap(info: Any, dims: tuple[int | None, ...], mode: str, *tensors: Tensor) -> Any:  # type: ignore[override]
        copies = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, dims[1:], strict=True)
        ]
        return _states(mode, *copies), (0, 0)


def _states(mode: str, inputs: Tensor, w_in: Tensor, w_back: Tensor, b_in: Tensor, b_back: Tensor) -> Any:
    """The states of every step, and the last cell state.

    Args:
        mode: RNN_TANH, GRU or LSTM, with torch's own equations and order of gates.
        inputs: (copies, time, batch, features).
        w_in, w_back: (copies, gates · hidden, features or hidden).
        b_in, b_back: (copies, gates · hidden).

    Returns:
        (copies, time, batch, hidden) and (copies, batch, hidden), which is the last state where there is no cell state.
    """
    copies, steps, lines, features = inputs.shape
    hidden = w_back.shape[-1]
    # A gated unit's candidate multiplies what comes back, bias included, by its gate: that bias stays apart.
    bias = b_in if mode == "GRU" else b_in + b_back
    flat = inputs.reshape(copies, steps * lines, features)
    given = torch.baddbmm(bias[:, None], flat, w_in.mT).view(copies, steps, lines, -1)
    back, late = w_back.mT, b_back[:, None].expand(copies, lines, -1)
    state = cell = given.new_zeros(copies, lines, hidden)
    states = []
    for now in given.unbind(1):
        if mode == "RNN_TANH":
            state = torch.baddbmm(now, state, back).tanh()
        elif mode == "GRU":
            own = torch.baddbmm(late, state, back)
            reset, update = (now[..., : 2 * hidden] + own[..., : 2 * hidden]).sigmoid().chunk(2, -1)
            candidate = torch.addcmul(now[..., 2 * hidden :], reset, own[..., 2 * hidden :]).tanh()
            state = torch.lerp(candidate, state, update)
        else:
            enter, forget, candidate, leave = torch.baddbmm(now, state, back).chunk(4, -1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
            state = leave.sigmoid() * cell.tanh()
        states.append(state)
    return torch.stack(states, 1), cell if mode == "LSTM" else state
