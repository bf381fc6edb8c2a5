"""Outputs and targets are flattened in different orders: a row of one belongs to another row of the other."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.flattened import Flattened
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss, Reshaped


class RowsApart(Check):
    name = "rows_apart"
    looks_at = "the shapes that a loss's output and target had before they were flattened, up to the second step"
    cost = "a comparison of shapes"
    source = "PyTorch documentation of RNN, batch_first, and of Tensor.reshape"
    expected = "outputs and targets whose rows stand in one order: both (time, batch), or both (batch, time)"
    remedy = "transpose one of them before both are flattened"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._flattened = Flattened()

    def reshaped(self, call: Reshaped) -> None:
        self._flattened.note(call.result, call.before)

    def loss(self, call: Loss) -> None:
        apart = self._flattened.apart(call.output, call.target) if call.training else None
        if apart is not None:
            outputs, targets = apart
            self.finds(
                call.place,
                f"{call.name} gets rows of outputs that were {outputs} before, and of targets that were {targets}: "
                "most rows are compared with those of another example or step",
            )
