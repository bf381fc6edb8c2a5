"""Modules that the forward pass uses and that `parameters()` does not reach."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner, Step


class UnreachableModules(Check):
    name = "unreachable_modules"
    looks_at = "which modules are called inside a model that its modules() do not list, in the first steps"
    cost = "a lookup for each module call of the first steps"
    source = "PyTorch documentation of nn.ModuleList; PyTorch forum, layers in a Python list"
    expected = "every layer with weights is found by model.parameters()"
    remedy = "keep layers in nn.ModuleList, nn.ModuleDict or nn.Sequential instead of a Python list or dict"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._lost: dict[int, tuple[str, str, list]] = {}  # type: ignore[type-arg]

    def inner(self, call: Inner) -> None:
        weights = [one for one in call.module.parameters(recurse=False) if one.requires_grad]
        if call.path is None and weights and call.gradients:
            self._lost[id(call.module)] = (call.model.name, type(call.module).__name__, weights)

    def after_step(self, step: Step) -> None:
        if not self._lost or step.number < 2:
            return
        held = {id(weight) for one in self.heard.optimisers for weight in one.parameters}
        lost = [one for one in self._lost.values() if not any(id(weight) in held for weight in one[2])]
        self._lost.clear()
        if lost:
            model, kinds = lost[0][0], sorted({kind for _, kind, _ in lost})
            self.finds(
                model,
                f"{len(lost)} modules ({', '.join(kinds)}) are used in {model}'s forward pass, and "
                "neither its parameters() nor an optimiser has their weights",
            )
