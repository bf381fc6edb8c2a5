"""A recurrent net is asked for the state behind the padding of its lines, which has forgotten what was read before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.padding import lengths_without_padding
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.vocabulary.recurrent import time_axis
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner, Step

# Passes that are looked at, steps of a line at least, and the share of them that must be padding.
PASSES, STEPS, PADDED = 2, 4, 0.25


class PaddingRead(Check):
    name = "padding_read"
    looks_at = (
        "what recurrent layers get in the first training passes: how many steps at the ends of the lines are alike; "
        "and, by the gradient of their states, whether the last one alone is read"
    )
    cost = "a comparison of the steps of two batches, and a hook on their states' gradients"
    source = "PyTorch documentation of torch.nn.utils.rnn.pack_padded_sequence"
    expected = "the state of each line's last step, before its padding"
    remedy = "pack_padded_sequence(…, lengths) before the layer, or states[range(n), lengths - 1]"
    # Over a little of it a state keeps what it has read.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._passes: dict[str, int] = {}
        # By place: the share of padding; of the gradients of all states so far, whether only the last step has any.
        self._padded: dict[str, float] = {}
        self._last: dict[str, list[bool]] = {}

    def inner(self, call: Inner) -> None:
        module, place = call.module, call.place
        if type(module).__name__ not in RECURRENT or not call.gradients or self._passes.get(place, 0) >= PASSES:
            return
        given = call.inputs[0] if call.inputs else None
        time = time_axis(module)
        if given is None or given.ndim != 3 or len(call.outputs) < 2 or given.shape[time] < STEPS:
            return
        self._passes[place] = self._passes.get(place, 0) + 1
        lengths = lengths_without_padding(given.detach(), time)
        padded = 0.0 if lengths is None else 1 - float(lengths.float().mean()) / given.shape[time]
        # Lines of one length have no padding, though they may end alike.
        if lengths is None or padded < PADDED or bool((lengths == lengths[0]).all()):
            return
        self._padded[place] = padded
        states, *final = call.outputs
        if states.requires_grad:
            states.register_hook(lambda gradient: self._keep(place, _is_of_the_last(gradient, time)))
        if final[0].requires_grad:
            final[0].register_hook(lambda gradient: self._keep(place, True))

    def after_step(self, step: Step) -> None:
        for place, read in list(self._last.items()):
            if all(read):
                self.finds(
                    place,
                    f"{self._padded[place]:.0%} of the steps that it reads are the padding of lines, and of its states "
                    "the last one alone is used, which comes after that",
                )
            del self._last[place]

    def _keep(self, place: str, last: bool) -> None:
        self._last.setdefault(place, []).append(last)


def _is_of_the_last(gradient: Any, time: int) -> bool:
    """Whether a gradient of states is zero at all steps but the last."""
    return bool((gradient.narrow(time, 0, gradient.shape[time] - 1) == 0).all())
