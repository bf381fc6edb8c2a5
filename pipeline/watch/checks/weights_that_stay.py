"""The optimiser steps, and nothing moves."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Step

FROM, TO = 1, 6


class WeightsThatStay(Check):
    name = "weights_that_stay"
    looks_at = "whether any weight differs between an optimiser's first and sixth step"
    cost = "a copy of the first parameters, once"
    source = "TheDeepChecker (2021), untrained parameters; Karpathy (2019), overfit one batch"
    expected = "weights change from step to step"
    remedy = (
        "check the learning rate, that loss.backward() comes before optimizer.step() and zero_grad() not "
        "between, and that the optimiser holds this model's parameters"
    )
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._before: dict[int, list] = {}  # type: ignore[type-arg]

    def before_step(self, step: Step) -> None:
        if step.number == FROM:
            weights = [weight for weight in step.heard.parameters if weight.requires_grad and weight.numel() < 1 << 22][
                :40
            ]
            self._before[id(step.heard)] = [(weight, weight.detach().clone()) for weight in weights]

    def after_step(self, step: Step) -> None:
        if step.number != TO:
            return
        before = self._before.pop(id(step.heard), [])
        still = [weight for weight, old in before if bool((weight == old).all())]
        if before and len(still) == len(before):
            rates = sorted({group["lr"] for group in step.heard.optimiser.param_groups})
            without = sum(weight.grad is None for weight, _ in before)
            zero = sum(weight.grad is not None and not bool(weight.grad.any()) for weight, _ in before)
            why = f"learning rate {rates}, {without} without a gradient, {zero} with a gradient of zero"
            names = [self.heard.name_of(weight) for weight in still]
            if not self.heard.backwards and without == len(before):
                self.finds(
                    joined(names),
                    f"{TO} steps, and no backward pass before any of them: no parameter has a gradient, and none moved",
                    remedy="call loss.backward() before optimizer.step()",
                )
                return
            self.finds(joined(names), f"none of {len(before)} parameters moved in {TO} steps ({why})")
