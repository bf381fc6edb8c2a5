"""An activation or a dropout inside a forward pass whose result nothing takes up: `F.relu(x)` for `x = F.relu(x)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.graph import nodes_behind
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Activated, Backward, Forward

# Backward passes that must show it, and results that wait for one.
TIMES, WAITING = 2, 200


class UnusedResult(Check):
    name = "unused_result"
    looks_at = (
        "of activations and dropout inside the first forward passes, whether the outputs or the loss depend on them, "
        "where they depend on what these were computed from"
    )
    cost = "a walk through the graphs of the first two steps"
    source = "PyTorch documentation of torch.nn.functional.relu and relu_: a new tensor, and in place"
    expected = "results that the layers behind them get"
    remedy = "assign the result: x = F.relu(x)"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # (function, place, node of the graph) of what no output has depended on so far.
        self._open: list[tuple[str, str, Any]] = []
        self._unused: dict[tuple[str, str], int] = {}
        self._used: set[tuple[str, str]] = set()

    def activated(self, call: Activated) -> None:
        # A softmax may be there to be looked at.
        if call.name != "softmax" and call.result.grad_fn is not None and call.place and len(self._open) < WAITING:
            self._open.append((call.name, call.place, call.result.grad_fn))

    def forward(self, call: Forward) -> None:
        if call.gradients:
            self._take_out(call.outputs)

    def backward(self, call: Backward) -> None:
        if not self._open:
            return
        reached = self._take_out([call.loss])
        for name, place, node in self._open:
            # What it was computed from is taken up without it. Where neither is, the gradient is cut behind both.
            if any(one in reached for one in nodes_behind([node]) or ()):
                self._unused[name, place] = self._unused.get((name, place), 0) + 1
        self._open.clear()
        for (name, place), times in self._unused.items():
            if times >= TIMES and (name, place) not in self._used:
                measured = f"{name} is computed here, and neither the outputs nor the loss depend on what it gives"
                self.finds(place, measured)

    def _take_out(self, ends: Sequence[Any]) -> Collection[Any]:
        """Takes out what these tensors depend on; returns the nodes of their graphs, as far as they were followed."""
        reached = nodes_behind(ends)
        for name, place, _ in [one for one in self._open if reached is None or one[2] in reached]:
            self._used.add((name, place))
        self._open = [one for one in self._open if reached is not None and one[2] not in reached]
        return reached or ()
