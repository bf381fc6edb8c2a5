"""A parameter's gradient is exactly zero at every step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner, Rounded, Step

if TYPE_CHECKING:
    from torch import Tensor

LOOKS, MOST_LOOKS = 3, 8
# Modules of the same shapes that get the same input: with so many, some are chosen, and others not.
BRANCHES = 4
# Where the loss is 0 as well, at each of the last steps.
NOTHING_ASKED = (
    "look at what the loss is multiplied with, or is the difference of: an advantage, a mask or a weight that is 0 for "
    "every example, a margin that is kept from the start, a value that is compared with itself"
)
NEVER_CHOSEN = (
    "look at what chooses between them: a term that keeps all of them busy, or noise on their scores, lets each be "
    "tried"
)


class ZeroGradient(Check):
    name = "zero_gradient"
    looks_at = "whether the whole gradient of a weight matrix is zero at the steps that are looked at closely"
    cost = "a norm for each parameter at a close step"
    source = "AUTOTRAINER (ICSE 2021), dying ReLU; Karpathy, Yes you should understand backprop (2016)"
    expected = "each weight matrix gets some gradient from some batch"
    remedy = (
        "look for an activation that cannot pass it on (a ReLU that is always off, a softmax or sigmoid that "
        "is pinned), or gradients that are cleared between backward and step"
    )
    effect = True
    more_exact_than = ("weights_that_stay",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._looks: dict[int, int] = {}
        self._alive: set[int] = set()
        self._rounded: Rounded | None = None
        # Modules of the last pass, and where the input lies that they got.
        self._called: dict[int, tuple[Any, int]] = {}

    def inner(self, call: Inner) -> None:
        told = max(self._looks.values(), default=0) > MOST_LOOKS
        if call.gradients and call.inputs and not told and not call.inputs[0].is_sparse:
            self._called[id(call.module)] = call.module, call.inputs[0].untyped_storage().data_ptr()

    def rounded(self, call: Rounded) -> None:
        self._rounded = self._rounded or call

    def before_step(self, step: Step) -> None:
        key = id(step.heard)
        if not step.close or self._looks.get(key, 0) > MOST_LOOKS:
            return
        self._looks[key] = self._looks.get(key, 0) + 1
        weights = [
            one for one in step.heard.parameters if one.grad is not None and not one.grad.is_sparse and one.ndim > 1
        ]
        for weight in weights:
            if id(weight) not in self._alive and weight.grad is not None and bool(weight.grad.any()):
                self._alive.add(id(weight))
        dead = [weight for weight in weights if id(weight) not in self._alive]
        if self._looks[key] >= LOOKS and dead and step.number >= 5:
            names = [self.heard.name_of(weight) for weight in dead]
            said = (
                f"the gradient of {len(dead)} of {len(weights)} weight matrices was exactly zero at "
                f"{self._looks[key]} steps"
            )
            losses = list(self.heard.losses)[-LOOKS:]
            if len(losses) == LOOKS and not any(losses):
                self.finds(joined(names), f"{said}, and so was the loss", remedy=NOTHING_ASKED)
            else:
                self._tell(dead, joined(names), said)
        self._called.clear()

    def _tell(self, dead: list[Tensor], names: str, said: str) -> None:
        idle, every = self._branches_of(dead)
        if idle:
            said = f"{said}: {idle} of {every} branches, whose answers count nowhere"
            self.finds(names, said, UNUSUAL, NEVER_CHOSEN)
        else:
            self.finds(names, said, remedy=_past(self._rounded))

    def _branches_of(self, dead: list[Tensor]) -> tuple[int, int]:
        """How many of several alike modules that get the same input these weights are, where they are nothing else."""
        groups: dict[tuple[Any, ...], list[set[int]]] = defaultdict(list)
        for module, place in self._called.values():
            matrices = [one for one in module.parameters() if one.ndim > 1]
            shapes = tuple(tuple(one.shape) for one in matrices)
            groups[type(module), shapes, place].append({id(one) for one in matrices})
        still = {id(weight) for weight in dead}
        for held in groups.values():
            idle = [one for one in held if one and one <= still]
            if len(idle) < len(held) >= BRANCHES and still == set.union(set(), *idle):
                return len(idle), len(held)
        return 0, 0


def _past(rounded: Rounded | None) -> str:
    """How a gradient gets past what rounds; empty where nothing does."""
    if rounded is None:
        return ""
    name = rounded.name
    return (
        f"{name} at {rounded.place} is flat, so that no gradient gets past it: x + (x.{name}() - x).detach() has its "
        "values, and the gradient of x"
    )
