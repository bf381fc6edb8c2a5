"""The first loss is far beyond that of a model that knows nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

TIMES = 3.0


class FirstLoss(Check):
    name = "first_loss"
    looks_at = "the first cross entropy against that of equal probabilities, log(classes)"
    cost = "one number"
    source = "Karpathy, A Recipe for Training Neural Networks (2019): verify loss at init"
    expected = "a first loss near log(number of classes)"
    remedy = "smaller initial weights of the last layer, or standardised inputs"
    weight = UNUSUAL
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._first = True

    def loss(self, call: Loss) -> None:
        if not self._first or call.name != "cross_entropy" or not call.training or call.output.ndim < 2:
            return
        self._first = False
        classes = call.output.shape[1]
        if (
            classes < 2
            or call.value.numel() != 1
            or call.options.get("reduction", "mean") != "mean"
            or call.options.get("weight") is not None
        ):
            return
        value, chance = float(call.value.detach()), math.log(classes)
        if value > TIMES * chance:
            self.finds(
                call.place,
                f"the first loss is {value:.3g}; equal probabilities for {classes} classes have {chance:.3g}",
            )
