"""Parameters of an optimiser that never get a gradient."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.graph import weights_behind
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Cut, Inner, Step

# Steps of an optimiser that a parameter may wait for its first gradient; cuts, and backward passes, whose weights are
# looked for.
AFTER, CUTS, BACKWARDS = 12, 100, 3


class ParametersWithoutGradient(Check):
    name = "parameters_without_gradient"
    looks_at = (
        "which parameters of an optimiser have had no gradient, after the first steps and at the end; whether a loss "
        "depends on them, or what takes a tensor up and gives no gradient"
    )
    cost = "nothing but a set of ids at each step; up to the second, walks through graphs"
    source = "Karpathy, A Recipe for Training Neural Networks (2019); PyTorch forum, `grad is None`"
    expected = "every parameter that is used gets a gradient"
    remedy = "look for .detach(), .data, .item(), torch.no_grad() or a copy through NumPy between it and the loss"
    more_exact_than = ("gradient_cut",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._reached: dict[int, set[int]] = {}
        # Steps that had been taken at each optimiser's first one, and when each weight was last used.
        self._begun: dict[int, int] = {}
        self._used: dict[int, int] = {}
        # Used where a gradient could flow, and those that a loss depends on, or something that gives no gradient.
        self._open: set[int] = set()
        self._taken_up: set[int] = set()
        self._cuts = self._backwards = 0

    def inner(self, call: Inner) -> None:
        own = {id(weight) for weight in call.module.parameters(recurse=False)}
        self._used.update(dict.fromkeys(own, self.heard.steps))
        if any(one.requires_grad for one in call.outputs):
            self._open |= own

    def cut(self, call: Cut) -> None:
        self._cuts += 1
        if self._cuts <= CUTS:
            self._taken_up |= {id(weight) for weight in weights_behind(call.given)}

    def backward(self, call: Backward) -> None:
        self._backwards += 1
        if self._backwards <= BACKWARDS:
            self._taken_up |= {id(weight) for weight in weights_behind(call.loss)}

    def before_step(self, step: Step) -> None:
        self._begun.setdefault(id(step.heard), self.heard.steps)
        reached = self._reached.setdefault(id(step.heard), set())
        if step.number <= AFTER or step.close:
            reached |= {id(weight) for weight in step.heard.parameters if weight.grad is not None}

    def after_step(self, step: Step) -> None:
        if step.number == AFTER:
            self._look(id(step.heard), step.heard.parameters)

    def end(self) -> None:
        for one in self.heard.optimisers:
            if 3 <= one.steps < AFTER:
                self._look(id(one), one.parameters)

    def _look(self, key: int, weights: list) -> None:  # type: ignore[type-arg]
        reached = self._reached.get(key, set())
        lost = [weight for weight in weights if id(weight) not in reached]
        learnable = [weight for weight in lost if weight.requires_grad]
        if not self.heard.backwards and len(lost) == len(weights):
            # Nothing was asked for a gradient: see weights_that_stay.
            return
        if not lost or (not learnable and len(lost) < len(weights)):
            # Frozen on purpose: the rest trains.
            return
        names = [self.heard.name_of(weight) for weight in (learnable or lost)]
        if not learnable:
            self.finds(
                joined(names),
                f"all {len(lost)} parameters of the optimiser have requires_grad=False",
                remedy="give the optimiser the parameters that are to learn, or let these learn: requires_grad_(True)",
            )
            return
        owners = [model for model in self.heard.models if any(one is learnable[0] for one in model.module.parameters())]
        if owners and owners[0].loaded:
            return
        # A layer that was exchanged before this optimiser began was used, and is no longer.
        used = {id(one) for one in learnable if self._used.get(id(one), -1) >= self._begun.get(key, 0)}
        # Nothing cuts what they give: it is left over, as a head is that this loss does not ask.
        left = bool(used) and used <= self._open and not used & self._taken_up and self._cuts <= CUTS
        said = "though they are used in the forward pass" if used else "and the forward pass does not use them"
        self.finds(
            joined(names),
            f"{len(learnable)} of {len(weights)} parameters had no gradient in {AFTER} steps, "
            + ("since the loss does not depend on what the forward pass computes with them" if left else said),
            weight="" if (used and not left) or len(learnable) == len(weights) else UNUSUAL,
            remedy="let the loss depend on them, or leave them out: they stay as they were drawn"
            if left or not used
            else "",
        )
