"""The model puts out the same for every example."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Inner

if TYPE_CHECKING:
    from torch import Tensor

PASSES, ALIKE, FROM = 3, 1e-6, 20
# Looks in a row after which it is told at once: a training may be ended from outside.
LASTING = 12
# Rows of an output that are compared.
LEAST_ROWS = 8


class ConstantOutput(Check):
    name = "constant_output"
    looks_at = (
        "whether the outputs for different examples differ, at close steps after the twentieth, up to the last; where "
        "they do not, which module is the first whose outputs do not"
    )
    cost = "a comparison of the outputs"
    source = "Cockpit (2021); Karpathy (2019): input-independent baseline"
    expected = "outputs that depend on the input"
    remedy = "look for dead or saturated layers, inputs that are lost on their way, and too large a learning rate"
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._rows: dict[str, int] = {}
        self._examples: dict[str, int] = {}
        # Of each model the first module of this pass, and of the last such pass, whose outputs were all the same.
        self._first: dict[str, str] = {}
        self._behind: dict[str, str] = {}

    def inner(self, call: Inner) -> None:
        name = call.model.name
        # Only of a model whose outputs were the same at the look before: each module costs a comparison.
        if call.gradients and self._rows.get(name) and name not in self._first and call.outputs:
            output = call.outputs[0].detach()
            if output.ndim > 1 and len(output) >= LEAST_ROWS and output.is_floating_point() and _is_alike(output):
                self._first[name] = call.place

    def forward(self, call: Forward) -> None:
        first = self._first.pop(call.model.name, "")
        if not call.gradients or self.heard.steps < FROM or not call.outputs or not call.inputs:
            return
        output, given = call.outputs[0].detach(), call.inputs[0].detach()
        if (
            output.ndim < 1
            or output.shape[0] < LEAST_ROWS
            or output.shape[0] != given.shape[0]
            or not output.is_floating_point()
        ):
            return
        if bool((given == given[:1]).all()) or not bool(output.isfinite().all()):
            return
        same = _is_alike(output)
        self._rows[call.model.name] = self._rows.get(call.model.name, 0) + 1 if same else 0
        self._behind[call.model.name] = first
        self._examples[call.model.name] = output.shape[0]
        if self._rows[call.model.name] == LASTING:
            self._tell(call.model.name)

    def end(self) -> None:
        for name, rows in self._rows.items():
            # A net may come out of it: a code book that collapses at first, a plateau.
            if rows >= PASSES:
                self._tell(name)

    def _tell(self, name: str) -> None:
        behind = f", and so they are behind {self._behind[name]} already" if self._behind.get(name) else ""
        self.finds(
            name,
            f"its outputs for {self._examples[name]} different examples are the same, to {ALIKE:g} of "
            f"their size, at {PASSES} looks after step {FROM}{behind}",
        )


def _is_alike(output: Tensor) -> bool:
    """Whether all rows are the same."""
    return float((output - output[:1]).abs().max()) <= ALIKE * max(1e-12, float(output.abs().max()))
