"""The model puts out the same for every example."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward

PASSES, ALIKE, FROM = 3, 1e-6, 20
# Looks in a row after which it is told at once: a training may be ended from outside.
LASTING = 12


class ConstantOutput(Check):
    name = "constant_output"
    looks_at = "whether the outputs for different examples differ, at close steps after the twentieth, up to the last"
    cost = "a comparison of the outputs"
    source = "Cockpit (2021); Karpathy (2019): input-independent baseline"
    expected = "outputs that depend on the input"
    remedy = "look for dead or saturated layers, inputs that are lost on their way, and too large a learning rate"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._rows: dict[str, int] = {}
        self._examples: dict[str, int] = {}

    def forward(self, call: Forward) -> None:
        if not call.gradients or self.heard.steps < FROM or not call.outputs or not call.inputs:
            return
        output, given = call.outputs[0].detach(), call.inputs[0].detach()
        if (
            output.ndim < 1
            or output.shape[0] < 8
            or output.shape[0] != given.shape[0]
            or not output.is_floating_point()
        ):
            return
        if bool((given == given[:1]).all()) or not bool(output.isfinite().all()):
            return
        spread = float((output - output[:1]).abs().max())
        same = spread <= ALIKE * max(1e-12, float(output.abs().max()))
        self._rows[call.model.name] = self._rows.get(call.model.name, 0) + 1 if same else 0
        self._examples[call.model.name] = output.shape[0]
        if self._rows[call.model.name] == LASTING:
            self._tell(call.model.name)

    def end(self) -> None:
        for name, rows in self._rows.items():
            # A net may come out of it: a code book that collapses at first, a plateau.
            if rows >= PASSES:
                self._tell(name)

    def _tell(self, name: str) -> None:
        self.finds(
            name,
            f"its outputs for {self._examples[name]} different examples are the same, to {ALIKE:g} of "
            f"their size, at {PASSES} looks after step {FROM}",
        )
