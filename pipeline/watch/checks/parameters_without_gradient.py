"""Parameters of an optimiser that never get a gradient."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner, Step

# Steps of an optimiser that a parameter may wait for its first gradient.
AFTER = 12


class ParametersWithoutGradient(Check):
    name = "parameters_without_gradient"
    looks_at = "which parameters of an optimiser have had no gradient, after the first steps and at the end"
    cost = "nothing but a set of ids at each step"
    source = "Karpathy, A Recipe for Training Neural Networks (2019); PyTorch forum, `grad is None`"
    expected = "every parameter that is used gets a gradient"
    remedy = "look for .detach(), .data, .item(), torch.no_grad() or a copy through NumPy between it and the loss"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._reached: dict[int, set[int]] = {}
        self._used: set[int] = set()

    def inner(self, call: Inner) -> None:
        self._used |= {id(weight) for weight in call.module.parameters(recurse=False)}

    def before_step(self, step: Step) -> None:
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
        used = [weight for weight in learnable if id(weight) in self._used]
        said = "though they are used in the forward pass" if used else "and the forward pass does not use them"
        self.finds(
            joined(names),
            f"{len(learnable)} of {len(weights)} parameters had no gradient in {AFTER} steps, {said}",
            weight="" if used or len(learnable) == len(weights) else UNUSUAL,
        )
