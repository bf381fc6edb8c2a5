"""The first layer gets the same for most examples, though what the model was given differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.example_marks import ExampleMarks
from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Inner

if TYPE_CHECKING:
    from torch import Tensor

# Passes that must show it, after so many steps: a head that begins at zero gives all examples the same.
PASSES, FROM = 3, 2
# Different examples that a batch must have, numbers that are looked at, at most, and so few different ones are lost.
EXAMPLES, NUMBERS, FEW = 16, 1_000_000, 3


class InputsLost(Check):
    name = "inputs_lost"
    looks_at = (
        "how many different examples a model is given, how many the first of its layers with weights gets, and how "
        "many different outputs there are, at close steps after the second"
    )
    cost = "a random projection of the inputs, of what that layer gets and of the outputs, at three passes"
    source = "PyTorch documentation of torch.nn.functional.normalize: dim is 1 where it is not given"
    expected = "as many different examples at the first layer as the model is given"
    remedy = (
        "look at what the forward pass does to its inputs before that layer: a normalisation over a dimension of one, "
        "a rounding, a comparison, a multiplication with zero"
    )
    more_exact_than = ("constant_output",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # In the pass that is on: the first layer with weights, and what it gets.
        self._first: tuple[str, Tensor] | None = None
        self._passes: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._marks: ExampleMarks | None = None

    def inner(self, call: Inner) -> None:
        if self._first is not None or not call.gradients or not call.path or not call.inputs:
            return
        if self._is_wanted(call.model.name) and any(True for _ in call.module.parameters(recurse=False)):
            self._first = (call.place, call.inputs[0].detach())

    def forward(self, call: Forward) -> None:
        first, self._first = self._first, None
        name = call.model.name
        if first is None or not call.gradients or not self._is_wanted(name) or not call.inputs or not call.outputs:
            return
        place, got = first
        given, output = call.inputs[0].detach(), call.outputs[0].detach()
        examples = len(given) if given.ndim else 0
        rows = [one for one in (given, got, output) if one.ndim and len(one) == examples and one.numel() <= NUMBERS]
        if examples < EXAMPLES or len(rows) < 3:
            return
        self._passes[name] = self._passes.get(name, 0) + 1
        of_given, at_layer, of_output = (self._different(one) for one in rows)
        if of_given >= EXAMPLES and at_layer <= FEW and of_output <= FEW:
            self._lost[name] = self._lost.get(name, 0) + 1
            if self._lost[name] == PASSES:
                self.finds(
                    place,
                    f"of {of_given} different examples this layer, the first with weights, gets "
                    f"{'the same for each' if at_layer == 1 else f'no more than {at_layer} different ones'}",
                )

    def _is_wanted(self, model: str) -> bool:
        return self.heard.steps >= FROM and self._passes.get(model, 0) < PASSES

    def _different(self, rows: Tensor) -> int:
        import torch

        if self._marks is None:
            self._marks = ExampleMarks(torch)
        return len(set(self._marks.of([rows])))
