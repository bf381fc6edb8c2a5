"""Inputs that are on another scale later on: reading the data changes them."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, is_computed
from backtrack.watch.checks.moments import Inner

# So many times larger or smaller than at first, in so many later looks, they are not the same data any more.
CHANGED, LATER = 20.0, 3


class ChangingInputs(Check):
    name = "changing_inputs"
    looks_at = "the scale of what the first layer with weights gets in training, at every close look"
    cost = "a norm of the first layer's inputs at close looks"
    source = "PyTorch documentation of Tensor.view: in-place changes of a view are those of its base; PyTorch forum"
    expected = "the same data in each epoch"
    remedy = (
        "look for what changes the data when they are read: x /= 255, or x = (x - mean) / std inside of the loop over "
        "epochs"
    )
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each model its first layer, that layer's place, and the scale of what it gets.
        self._first: dict[int, int] = {}
        self._places: dict[int, str] = {}
        self._scales: dict[int, list[float]] = {}

    def inner(self, call: Inner) -> None:
        key = id(call.model)
        if not call.has_weights or not call.gradients or not call.inputs:
            return
        if self._first.setdefault(key, id(call.module)) != id(call.module):
            return
        values = call.inputs[0].detach()
        # What another net has learnt is no data.
        if values.is_floating_point() and not is_computed(call.inputs[0], self.heard):
            self._places[key] = call.place
            self._scales.setdefault(key, []).append(call.scale)

    def end(self) -> None:
        if self.heard.acts:
            return
        for key, scales in self._scales.items():
            first, last = scales[:LATER], scales[-LATER:]
            if len(scales) < 2 * LATER or not 0 < min(first) < max(first) < CHANGED * min(first):
                continue
            if max(last) * CHANGED < min(first) or min(last) > CHANGED * max(first):
                self.finds(
                    self._places[key],
                    f"the inputs have a root mean square of {first[0]:.3g} at first, and of {last[-1]:.3g} at last: "
                    "the data change as they are read",
                )
