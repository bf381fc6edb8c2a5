"""What a model says of one example depends on the others in its batch, or on its place among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Loss
from backtrack.watch.twin import asked

# Inputs of a model that change places together, and examples, or steps, that there are at least.
INPUTS, LEAST = 3, 4
# Tensors that a model holds and that may say which examples belong together: edges are pairs of numbers.
PAIR = 2
# Axes of numbers that come in sequences; of words, one less.
SEQUENCE = 3
# Difference, as a share of the outputs' size, that is no rounding.
DIFFERENCE = 1e-4
# What mends it where it is the place that tells.
OF_PLACES = (
    "look for what is cut by the number of examples and added to the steps: of a table of (places, 1, features), "
    "table[: x.size(0)] suits x of (steps, batch, features); of (batch, steps, features) it is table[: x.size(1), 0]"
)


class MixedExamples(Check):
    name = "mixed_examples"
    looks_at = (
        "a copy of the model in evaluation mode, once: its output for the first and the last example while "
        "the others change places, and for each when all of them do"
    )
    cost = "one copy of the model and five passes, twice at most"
    source = "Karpathy, A Recipe for Training Neural Networks (2019): use backprop to chart dependencies"
    expected = "an example's output depends on that example alone"
    remedy = (
        "look for view or reshape where transpose or permute is meant, softmax or normalize over the wrong dimension, "
        "what is cut or added by the size of the batch (x.size(0)), and batch_first"
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
        key, given = id(last.model), last.arguments[0]
        if self._asked.get(key, 0) >= 2 or not last.outputs or not 0 < len(given) == len(last.inputs) <= INPUTS:
            return
        output = last.outputs[0]
        size = output.shape[0] if output.ndim else 0
        # A sequence's target is often flattened with its output.
        steps = _steps(given, output)
        if (
            size < LEAST
            or 0 < steps < LEAST
            or call.target.shape[0] not in (size, size * steps)
            or tuple(output.shape) == (size, size)
        ):
            return
        known = all(one is heard for one, heard in zip(given, last.inputs, strict=True))
        if not known or any(not one.ndim or one.shape[0] != size for one in given):
            return
        self._asked[key] = self._asked.get(key, 0) + 1
        self._ask(last, [one.detach() for one in given], size)

    def _ask(self, call: Forward, given: Sequence[Any], size: int) -> None:
        square = any(one.ndim > 1 and one.shape[1] == size for one in given)
        if square and len(given) > 1:
            # An adjacency beside the nodes of a graph: each depends on the others, and is meant to.
            return
        if _relates(call.model.module, size):
            return
        # Of a sequence either axis may count the examples, and along one of them nothing mixes.
        steps = _steps(given, call.outputs[0])
        sequences = all(one.ndim > 1 and one.shape[1] == steps for one in given)
        axes = (0, 1) if square or sequences else (0,)

        def changes(twin: Any) -> tuple[float, str, str]:
            first, again = (self._output(twin.eval(), given) for _ in range(2))
            if first is None or not first.equal(again):
                return 0.0, "", ""
            by_others = min(self._change(twin, given, first, axis) for axis in axes)
            if by_others > DIFFERENCE:
                return by_others, "when only others of its batch change", ""
            by_place = min(self._shift(twin, given, first, axis) for axis in axes)
            return by_place, "when it stands at another place of its batch", OF_PLACES

        change, said, remedy = asked(call.model.module, changes) or (0.0, "", "")
        if change > DIFFERENCE:
            self.finds(
                call.place or call.model.name,
                f"{call.model.name}'s output for an example changes by {change:.0%} of the outputs' size {said} "
                f"(inputs {', '.join(str(tuple(one.shape)) for one in given)})",
                remedy=remedy,
            )

    def _change(self, twin: Any, given: Sequence[Any], first: Any, axis: int) -> float:
        """How much outputs for an axis's ends change, of the outputs' size, when only what is between them does."""
        import torch

        size = given[0].shape[axis]
        order = torch.arange(size, device=given[0].device)
        order[1:-1] = order[1:-1].flip(0)
        turned = [one.index_select(axis, order.to(one.device)) for one in given]
        if all(bool((other == one).all()) for other, one in zip(turned, given, strict=True)):
            return 0.0
        # The first two examples stay, and the others become one and the same: sums over the batch change too.
        rolled = [one.clone() for one in given]
        for other, one in zip(rolled, given, strict=True):
            other.narrow(axis, 2, size - 2).copy_(one.narrow(axis, 2, 1))
        other, third = (self._output(twin, inputs) for inputs in (turned, rolled))
        scale = max(1e-12, float(first.abs().max()))
        axis = _axis_of(first, size, axis)
        by_turning, by_rolling = ((first - one).abs().movedim(axis, 0) for one in (other, third))
        changes = (by_turning[0].max(), by_turning[-1].max(), by_rolling[:2].max())
        return max(float(change) for change in changes) / scale

    def _shift(self, twin: Any, given: Sequence[Any], first: Any, axis: int) -> float:
        """How much outputs change, of the outputs' size, when the examples come in the opposite order."""
        other = self._output(twin, [one.flip(axis) for one in given])
        axis = _axis_of(first, given[0].shape[axis], axis)
        return float((first - other.flip(axis)).abs().max()) / max(1e-12, float(first.abs().max()))

    def _output(self, module: Any, given: Sequence[Any]) -> Any:
        from backtrack.watch.listening.tensors import tensors_in

        # Copies: what a model changes in place, its own pass still needs.
        found = tensors_in(module(*(one.clone() for one in given)))
        return found[0].detach().float() if found else None


def _axis_of(outputs: Any, size: int, axis: int) -> int:
    """The axis of outputs that counts what an axis of the inputs does; of what says one thing of each its only one."""
    return axis if outputs.ndim > axis and outputs.shape[axis] == size else 0


def _steps(given: Sequence[Any], output: Any) -> int:
    """How many steps, or sequences, the second axis counts where a model says something of each; 0 without them."""
    for one in given:
        is_sequence = one.ndim == SEQUENCE or (one.ndim == PAIR and not one.is_floating_point())
        if is_sequence and output.ndim > 1 and output.shape[:2] == one.shape[:2]:
            return int(one.shape[1])
    return 0


def _relates(module: Any, size: int) -> bool:
    """Whether a model holds what may relate so many examples: a graph's adjacency or edges, a row for each example."""
    for part in module.modules():
        weights = [one for one in part._parameters.values() if one is not None]
        others = [one for one in (*vars(part).values(), *part._buffers.values()) if hasattr(one, "requires_grad")]
        # Of a layer of torch's, a row of weights is a unit's.
        rows = [one for one in weights if not type(part).__module__.startswith("torch.")]
        if any(one.ndim == PAIR and len(one) == size for one in rows if one.requires_grad):
            return True
        if any(_is_relation(one, size) for one in (*weights, *others) if not one.requires_grad):
            return True
    return False


def _is_relation(held: Any, size: int) -> bool:
    if held.ndim != PAIR:
        return False
    edges = PAIR in held.shape and not held.is_floating_point() and held.numel() > size
    return tuple(held.shape) == (size, size) or (edges and int(held.max()) == size - 1)
