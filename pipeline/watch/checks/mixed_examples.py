"""What a model says of one example depends on the others in its batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Forward, Heard, Loss
from backtrack.watch.twin import asked

# Difference, as a share of the outputs' size, that is no rounding.
DIFFERENCE = 1e-4


class MixedExamples(Check):
    name = "mixed_examples"
    looks_at = (
        "a copy of the model in evaluation mode, once: its output for the first and the last example while "
        "the others change places"
    )
    cost = "one copy of the model and three passes, once"
    source = "Karpathy, A Recipe for Training Neural Networks (2019): use backprop to chart dependencies"
    expected = "an example's output depends on that example alone"
    remedy = (
        "look for view or reshape where transpose or permute is meant, softmax over the wrong dimension, and "
        "batch_first"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._asked: dict[int, int] = {}
        self._last: Forward | None = None

    def forward(self, call: Forward) -> None:
        self._last = call if call.gradients else self._last

    def loss(self, call: Loss) -> None:
        """The targets tell which dimension counts examples."""
        last, self._last = self._last, None
        if last is None or not call.training or not call.target.ndim:
            return
        key = id(last.model)
        if self._asked.get(key, 0) >= 2 or len(last.arguments[0]) != 1 or len(last.inputs) != 1 or not last.outputs:
            return
        given, output = last.inputs[0], last.outputs[0]
        size = call.target.shape[0]
        if size < 4 or given.shape[0] != size or output.ndim == 0 or output.shape[0] != size:
            return
        if tuple(output.shape) == (size, size) or last.arguments[0][0] is not given:
            return
        self._asked[key] = self._asked.get(key, 0) + 1
        self._ask(last, given.detach(), size)

    def _ask(self, call: Forward, given: Any, size: int) -> None:
        # As many steps as examples: either axis may count the examples, and along one of them nothing mixes.
        axes = (0, 1) if given.ndim > 1 and given.shape[1] == size else (0,)
        change = asked(call.model.module, lambda twin: min(self._change(twin.eval(), given, axis) for axis in axes))
        if change is not None and change > DIFFERENCE:
            self.finds(
                call.place or call.model.name,
                f"{call.model.name}'s output for an example changes by {change:.0%} of "
                f"the outputs' size when only others of its batch change (inputs {tuple(given.shape)})",
            )

    def _change(self, twin: Any, given: Any, axis: int) -> float:
        """How much outputs for an axis's ends change, of the outputs' size, when only what is between them does."""
        import torch

        size = given.shape[axis]
        order = torch.arange(size, device=given.device)
        order[1:-1] = order[1:-1].flip(0)
        turned = given.index_select(axis, order)
        if bool((turned == given).all()):
            return 0.0
        # The first two examples stay, and the others become one and the same: sums over the batch change too.
        rolled = given.clone()
        rolled.narrow(axis, 2, size - 2).copy_(given.narrow(axis, 2, 1))
        first, again, other, third = (self._output(twin, one) for one in (given, given, turned, rolled))
        if any(one is None for one in (first, again, other, third)) or not torch.equal(first, again):
            return 0.0
        scale = max(1e-12, float(first.abs().max()))
        ends = float(torch.stack([(first[0] - other[0]).abs().max(), (first[-1] - other[-1]).abs().max()]).max())
        return max(ends, float((first[:2] - third[:2]).abs().max())) / scale

    def _output(self, module: Any, given: Any) -> Any:
        from backtrack.watch.listening.tensors import tensors_in

        # A copy: what a model changes in place, its own pass still needs.
        found = tensors_in(module(given.clone()))
        return found[0].detach().float() if found else None
