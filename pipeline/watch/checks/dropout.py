"""Dropout that leaves next to nothing."""

from __future__ import annotations

from backtrack.vocabulary.finding import UNUSUAL
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Dropped, Forward

NOTHING, LITTLE = 0.9, 0.8


class Dropout(Check):
    name = "dropout"
    looks_at = (
        "the share that dropout modules drop, at a model's first pass, and dropout functions in their first calls"
    )
    cost = "a walk over the modules, once, and a look at an argument"
    source = "Srivastava et al. (2014): p of .5 for hidden and .2 for input units"
    expected = "dropout of .5 at most in hidden layers"
    remedy = "lower p: in torch it is the share that is dropped, not the share that is kept"

    def dropped(self, call: Dropped) -> None:
        if call.active and call.gradients and not call.by_module and call.share >= LITTLE:
            self._found_share(call.place, call.share)

    def forward(self, call: Forward) -> None:
        if call.model.trained != 1 or not call.gradients:
            return
        for name, module in call.model.module.named_modules():
            share = getattr(module, "p", None)
            if "Dropout" in type(module).__name__ and isinstance(share, float) and share >= LITTLE:
                self._found_share(f"{call.model.name}.{name}", share)

    def _found_share(self, place: str, share: float) -> None:
        self.finds(place, f"it drops {share:.0%} of what it gets", weight="" if share >= NOTHING else UNUSUAL)
