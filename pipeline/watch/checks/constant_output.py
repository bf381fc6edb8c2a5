"""The model puts out the same for every example."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Forward, Heard

PASSES, ALIKE, FROM = 3, 1e-6, 20


class ConstantOutput(Check):
    name = "constant_output"
    looks_at = "whether the outputs for different examples differ, at close steps after the twentieth"
    cost = "a comparison of the outputs"
    source = "Cockpit (2021); Karpathy (2019): input-independent baseline"
    expected = "outputs that depend on the input"
    remedy = "look for dead or saturated layers, inputs that are lost on their way, and too large a learning rate"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._rows: dict[int, int] = {}

    def forward(self, call: Forward) -> None:
        if not call.gradients or self.heard.steps < FROM or not call.outputs or not call.inputs:
            return
        output, given = call.outputs[0].detach(), call.inputs[0].detach()
        if (
            output.ndim < 2
            or output.shape[0] < 8
            or output.shape[0] != given.shape[0]
            or not output.is_floating_point()
        ):
            return
        if bool((given == given[:1]).all()) or not bool(output.isfinite().all()):
            return
        spread = float((output - output[:1]).abs().max())
        same = spread <= ALIKE * max(1e-12, float(output.abs().max()))
        self._rows[id(call.model)] = self._rows.get(id(call.model), 0) + 1 if same else 0
        if self._rows[id(call.model)] == PASSES:
            self.finds(
                call.model.name,
                f"its outputs for {output.shape[0]} different examples are the same, to {ALIKE:g} of "
                f"their size, at {PASSES} looks after step {FROM}",
            )
