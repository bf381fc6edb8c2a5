"""A net of several layers has no activation: all of it is one linear map."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.linear import LINEAR
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Inner, Loss
from backtrack.watch.twin import asked

# Difference, as a share of the outputs' size, that is no rounding.
DIFFERENCE = 1e-4
# Losses that say how a training ends; where they fall below this share of the first one, a linear map suffices.
LATE, SUFFICES = 12, 0.5


class LinearNet(Check):
    name = "linear_net"
    looks_at = (
        "a copy of a model with several linear layers, once: its output of a sum beside the sum of its outputs; told "
        "at the end where the loss has not fallen to half"
    )
    cost = "one copy of the model and four passes, once"
    source = "Goodfellow et al., Deep Learning (2016), 6.1: a linear function of a linear function is one"
    expected = "an activation between layers"
    remedy = "put an activation after each layer but the last: nn.ReLU(), or F.relu(…) in forward"
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._asked: set[int] = set()
        self._losses: deque[float] = deque(maxlen=LATE)
        self._first = math.nan
        self._linear: list[tuple[str, str]] = []
        # Of the pass that is on: `(path, numbers of an example)` behind each layer.
        self._layers: list[tuple[str, int]] = []

    def inner(self, call: Inner) -> None:
        if not call.gradients or id(call.model) in self._asked:
            return
        if type(call.module).__name__ in LINEAR and call.outputs and call.outputs[0].ndim:
            output = call.outputs[0]
            self._layers.append((call.path or "", output.numel() // max(1, len(output))))

    def forward(self, call: Forward) -> None:
        layers, self._layers = self._layers, []
        if not call.gradients or id(call.model) in self._asked or len(layers) < 2:
            return
        self._asked.add(id(call.model))
        known = len(call.inputs) == 1 == len(call.outputs) and call.arguments[0][:1] == (call.inputs[0],)
        if not known or not call.inputs[0].is_floating_point() or len(call.arguments[0]) > 1:
            return
        given, result = call.inputs[0].detach(), call.outputs[0]
        ends = min(given.numel(), result.numel()) // max(1, len(given))
        if any(width < ends for _, width in layers[:-1]):
            # A product of two thin matrices, as a code of few numbers and low-rank adapters are, is meant.
            return
        if asked(call.model.module, lambda twin: _is_linear(twin.eval(), given)):
            named = f"{call.model.name}'s {len(layers)} layers ({joined([path for path, _ in layers])})"
            self._linear.append((call.place or call.model.name, named))

    def loss(self, call: Loss) -> None:
        # Reading a number waits for the device: only where there is such a net.
        if self._linear and call.training:
            value = float(call.value.detach().mean())
            self._first = value if math.isnan(self._first) else self._first
            self._losses.append(value)

    def end(self) -> None:
        suffices = bool(self._losses) and 0 <= median(self._losses) < SUFFICES * self._first
        for place, named in [] if suffices else self._linear:
            said = f"nothing but linear maps lies between {named}: together they can do no more than one"
            self.finds(place, said)


def _is_linear(twin: Any, given: Any) -> bool:
    """Whether a model's output of a sum is the sum of its outputs, but for a constant, and is not always the same."""
    import torch

    others = torch.randn_like(given) * (given.std() + given.abs().mean() + 1e-6)
    with torch.no_grad():
        none, one, other, both = (
            twin(values).float() for values in (torch.zeros_like(given), given.clone(), others, given + others)
        )
    scale = float((both - none).abs().max())
    return scale > 0 and float((both - none - (one - none) - (other - none)).abs().max()) < DIFFERENCE * scale
