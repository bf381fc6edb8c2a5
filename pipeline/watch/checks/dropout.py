"""Dropout that leaves next to nothing."""

from __future__ import annotations

from backtrack.vocabulary.finding import UNUSUAL
from backtrack.watch.checks.check import Check, Forward

NOTHING, LITTLE = 0.9, 0.8


class Dropout(Check):
    name = "dropout"
    looks_at = "the probabilities of dropout modules, at a model's first pass"
    cost = "a walk over the modules, once"
    source = "Srivastava et al. (2014): p of .5 for hidden and .2 for input units"
    expected = "dropout of .5 at most in hidden layers"
    remedy = "lower p: in torch it is the share that is dropped, not the share that is kept"

    def forward(self, call: Forward) -> None:
        if call.model.trained != 1 or not call.gradients:
            return
        for name, module in call.model.module.named_modules():
            share = getattr(module, "p", None)
            if "Dropout" in type(module).__name__ and isinstance(share, float) and share >= LITTLE:
                self.finds(
                    f"{call.model.name}.{name}",
                    f"it drops {share:.0%} of what it gets",
                    weight="" if share >= NOTHING else UNUSUAL,
                )
