"""Attention that does not know where a step stands: nothing tells it the order of what it reads."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from backtrack.vocabulary.attention import is_batch_first, patch_layer
from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Loss
from backtrack.watch.order_read import PICTURES, STEPS, is_blind_to_order
from backtrack.watch.twin import asked

# The step after which a model is asked, as codes of places may begin at zero; examples, at least.
ASKED, EXAMPLES = 20, 8
# Losses that say how a training ends; where they fall below this share of the first one, the order is not missed.
LATE, SUFFICES = 12, 0.85
# Axes of ids and of steps of features.
IDS, LINES = 2, 3


class PlacesUnknown(Check):
    name = "places_unknown"
    looks_at = (
        "a copy of a model with attention, once after the twentieth step: its outputs while the steps of its inputs, "
        "or the patches of its pictures, change places; told at the end where the loss hardly falls"
    )
    cost = "one copy of the model and two passes, once"
    source = "Vaswani et al., Attention is all you need (2017), 3.5: without positional encodings the order is not seen"
    expected = "attention that is told where a step stands, unless its steps are a set"
    remedy = (
        "add a code of its place to each step before the first attention: x + self.places(torch.arange(x.shape[1])) "
        "with an nn.Embedding, or sines; leave it as it is where the order means nothing"
    )
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._asked: set[int] = set()
        self._last: Forward | None = None
        self._losses: deque[float] = deque(maxlen=LATE)
        self._first = math.nan
        self._blind: list[tuple[str, str]] = []

    def forward(self, call: Forward) -> None:
        self._last = call if call.gradients else self._last

    def loss(self, call: Loss) -> None:
        """The targets tell which dimension counts examples."""
        if not call.training:
            return
        last, self._last = self._last, None
        if math.isnan(self._first) or self._blind:
            # Reading a number waits for the device: only the first, and where there is such a model.
            value = float(call.value.detach().mean())
            self._first = value if math.isnan(self._first) else self._first
            self._losses.append(value)
        if last is None or not call.target.ndim:
            return
        if self.heard.steps < ASKED or id(last.model) in self._asked:
            return
        self._asked.add(id(last.model))
        if len(last.inputs) == 1 == len(last.arguments[0]):
            self._ask(last, last.inputs[0].detach(), call.target.shape[0])

    def _ask(self, call: Forward, given: Any, targets: int) -> None:
        model = call.model.module
        steps = _steps(model, given, targets)
        if steps is None or call.arguments[0][0] is not call.inputs[0]:
            return
        if asked(model, lambda twin: is_blind_to_order(twin, given, steps)):
            what = "patches of its pictures" if given.ndim == PICTURES else f"{given.shape[steps]} steps of its lines"
            self._blind.append((call.place or call.model.name, f"{call.model.name} says the same when the {what}"))

    def end(self) -> None:
        suffices = bool(self._losses) and 0 <= median(self._losses) < SUFFICES * self._first
        for place, said in [] if suffices else self._blind:
            self.finds(place, f"{said} change places: its attention does not know where one stands")


def _steps(model: Any, given: Any, targets: int) -> int | None:
    """Which axis of a model's inputs counts steps, 1 also for pictures; None where there are none, or none can be told.

    Args:
        targets: how many a loss has of that pass; those of steps are often flattened.
    """
    kind = LINES if given.is_floating_point() else IDS
    if given.ndim == PICTURES and given.is_floating_point():
        return 1 if patch_layer(model) is not None and len(given) >= EXAMPLES else None
    if given.ndim != kind or given.shape[0] == given.shape[1]:
        return None
    axes = [axis for axis, size in enumerate(given.shape[:2]) if size == targets]
    if not axes and targets == math.prod(given.shape[:2]):
        axes = [0 if is_batch_first(model) else 1]
    enough = len(axes) == 1 and given.shape[axes[0]] >= EXAMPLES and given.shape[1 - axes[0]] >= STEPS
    return 1 - axes[0] if enough else None
