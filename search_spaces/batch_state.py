"""The state that a recurrent layer begins a batch with: zeros, and not what another batch, or luck, has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.recurrent import LAYERS

# Among an anatomy's calls: batches that a layer began with a state of numbers that nothing had computed for them. So
# many are a habit.
GIVEN, LEAST = "states given to batches", 4


def at_states(training: Training, given: Callable[[], bool]) -> None:
    """Asks `given()` where a layer begins a batch with a state that no gradient leads to: where yes, it is empty.

    Args:
        training: only passes with gradients; what an encoder hands to a decoder, and a state that is learnt, have one.
    """
    torch: Any = training.torch
    begun: set[int] = set()

    # In their classes: a module with a forward pass of its own could not be copied or saved.
    def make(own: Any) -> Any:
        def forward(module: Any, lines: Any, hx: Any = None) -> Any:
            first = id(module) not in begun
            begun.add(id(module))
            if first and torch.is_grad_enabled() and _is_left_over(hx) and given():
                hx = None
            return own(module, lines, hx)

        return forward

    def begin(model: Any, lines: Any) -> Any:
        begun.clear()
        return lines

    for kind in LAYERS:
        training.replace(getattr(torch.nn, kind), "forward", make)
    training.at_forward(before=begin)


def _is_left_over(state: Any) -> bool:
    parts = state if isinstance(state, tuple) else () if state is None else (state,)
    computed = any(part.requires_grad for part in parts)
    return not computed and any(bool(part.any()) for part in parts)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    said = "an empty state at the beginning of each batch: rnn(x), and not rnn(x, h) with an h of the batch before"
    return {"empty": said} if anatomy.calls.get(GIVEN, 0) >= LEAST else {}


BATCH_STATE = Intervention(
    "batch_state",
    what="a recurrent layer that gets a state which nothing computes of this batch begins it with zeros, in training",
    source="PyTorch documentation of RNN, LSTM and GRU: h_0 is zero where none is given",
    levels=_levels,
    apply=lambda training, level: at_states(training, lambda: True),
    inside=True,
    cannot="cells that are called step by step, and states under no_grad()",
)
