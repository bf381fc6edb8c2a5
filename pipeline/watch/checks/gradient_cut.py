"""What a layer gets depends on earlier weights, and no gradient flows back to them."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, WRONG, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Inner
from backtrack.watch.twin import asked

# Passes of a model that are looked at, and inputs in each, at most.
PASSES, MOST = 2, 6
# By how much earlier weights are changed, and the change of a layer's input, of its size, that is no rounding.
NUDGE, DIFFERENCE = 0.1, 1e-5
# Words in a model's code that cut a gradient on purpose.
MEANT = ("detach", "no_grad", "stop_grad")


@dataclass(frozen=True)
class _Behind:
    """An input without a gradient: of which module, in which of its calls, at which place, after how many others.

    `storage` is where its numbers lie.
    """

    path: str
    call: int
    place: int
    number: int
    storage: int


class GradientCut(Check):
    name = "gradient_cut"
    looks_at = (
        "layers inside a model whose input has no gradient though earlier layers' outputs have one; whether it depends "
        "on their weights tells a copy of the model, once"
    )
    cost = "nothing but a look at each input; where there is such a layer, copies of the model and three passes of each"
    source = "Kingma & Welling (2014): the reparameterisation; PyTorch documentation of Tensor.data and rsample"
    expected = "a gradient flows through everything that depends on weights which learn"
    remedy = (
        "compute it with torch from the earlier outputs: rsample() in place of sample(), and no way through Python "
        "numbers, NumPy or .data"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._passes: dict[int, int] = {}
        # In the pass that is on: modules that gave something with a gradient, and what later ones got without one.
        self._before: list[str] = []
        self._behind: list[_Behind] = []
        # How often each module was called in this pass: a cell is, at every step of a line.
        self._calls: Counter[str] = Counter()

    def inner(self, call: Inner) -> None:
        if not call.gradients or call.path is None or self._passes.get(id(call.model), 0) >= PASSES:
            return
        number = self._calls[call.path]
        self._calls[call.path] += 1
        if not any(weight.requires_grad for weight in call.module.parameters(recurse=False)):
            return
        if self._before and len(self._behind) < MOST:
            self._behind += [
                _Behind(call.path, number, place, len(self._before), one.untyped_storage().data_ptr())
                for place, one in enumerate(call.inputs)
                if one.is_floating_point() and not one.requires_grad
            ]
        if any(one.requires_grad for one in call.outputs):
            self._before.append(call.path)

    def forward(self, call: Forward) -> None:
        before, behind = self._before, self._behind
        self._before, self._behind = [], []
        self._calls.clear()
        if not call.gradients or self._passes.get(id(call.model), 0) >= PASSES:
            return
        self._passes[id(call.model)] = self._passes.get(id(call.model), 0) + 1
        given = {one.untyped_storage().data_ptr() for one in call.inputs}
        for one in behind:
            # What the model itself was given is data.
            if one.storage not in given and self._depends(call, before[: one.number], one):
                self.finds(
                    f"{call.model.name}.{one.path}",
                    f"what {one.path} gets depends on the weights of {before[one.number - 1]}, and has no gradient: "
                    "they learn nothing from what comes after it",
                    weight=UNUSUAL if _is_meant(call.model.module) else WRONG,
                )
                return

    def _depends(self, call: Forward, before: list[str], behind: _Behind) -> bool:
        """Whether a layer's input changes with the weights of earlier ones, in a copy of the model."""
        import torch

        def change(twin: Any) -> bool:
            first, again = (self._given(twin, behind, call) for _ in range(2))
            if first is None or again is None or not torch.equal(first, again):
                return False
            for path in before:
                for weight in twin.get_submodule(path).parameters(recurse=False):
                    weight.data.mul_(1 + NUDGE).add_(NUDGE * weight.data.abs().mean())
            moved = self._given(twin, behind, call)
            if moved is None or moved.shape != first.shape:
                return False
            return bool((moved - first).abs().max() > DIFFERENCE * first.abs().max().clamp_min(1e-12))

        return bool(asked(call.model.module, change))

    def _given(self, twin: Any, behind: _Behind, call: Forward) -> Any:
        """An input of a layer, in a pass of the copy under one seed."""
        import torch

        from backtrack.watch.listening.tensors import tensors_in

        got: list[Any] = []

        def keep(module: Any, arguments: tuple[Any, ...]) -> None:
            got.append(tensors_in(arguments)[behind.place].detach().clone())

        hook = twin.get_submodule(behind.path).register_forward_pre_hook(keep)
        try:
            torch.default_generator.manual_seed(0)
            if torch.cuda.is_initialized():
                torch.cuda.manual_seed_all(0)
            # A copy: what a model changes in place, its own pass still needs.
            arguments, named = copy.deepcopy(call.arguments)
            twin(*arguments, **named)
        finally:
            hook.remove()
        return got[behind.call] if len(got) > behind.call else None


def _is_meant(module: Any) -> bool:
    """Whether the code of a model, or of a part of it, says that it cuts a gradient."""
    for kind in {type(one) for one in module.modules()}:
        if kind.__module__.startswith("torch."):
            continue
        try:
            source = inspect.getsource(kind)
        except (OSError, TypeError):
            continue
        if any(word in source for word in MEANT):
            return True
    return False
