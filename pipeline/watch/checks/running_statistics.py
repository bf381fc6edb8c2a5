"""Running statistics of batch normalisation that stay where they started, or lag behind the batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner

PASSES = 10
# Training passes after which, at the end, less than this share of a start's weight may be left.
MANY, LEFT = 100, 0.5


class RunningStatistics(Check):
    name = "running_statistics"
    looks_at = (
        "the running mean and variance of batch normalisation, in its tenth training pass that is looked at closely; "
        "at the end, by its momentum and its passes, how much of them is still what they started with"
    )
    cost = "two comparisons a layer, and a power"
    source = "PyTorch documentation of BatchNorm: momentum of the running statistics"
    expected = "running statistics that follow the batches: in evaluation mode a layer uses these"
    remedy = "a momentum above 0 (0.1 is usual), or track_running_stats=False"
    at_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._passes: dict[int, int] = {}
        # (layer, its place) of those that have trained.
        self._layers: dict[int, tuple[Any, str]] = {}

    def inner(self, call: Inner) -> None:
        module = call.module
        if "BatchNorm" not in type(module).__name__ or not module.training or not call.gradients:
            return
        self._passes[id(module)] = self._passes.get(id(module), 0) + 1
        self._layers.setdefault(id(module), (module, call.place))
        mean, variance = getattr(module, "running_mean", None), getattr(module, "running_var", None)
        if self._passes[id(module)] != PASSES or mean is None or variance is None:
            return
        if bool((mean == 0).all()) and bool((variance == 1).all()):
            self.finds(
                call.place,
                f"its running mean and variance are still 0 and 1 after {PASSES} training passes and more "
                f"(momentum={module.momentum:g})",
            )

    def end(self) -> None:
        for module, place in self._layers.values():
            counted, momentum = getattr(module, "num_batches_tracked", None), module.momentum
            # Without a momentum they are plain means.
            if counted is None or momentum is None or int(counted) < MANY:
                continue
            left = (1 - momentum) ** int(counted)
            if LEFT < left < 1:
                self.finds(
                    place,
                    f"after {int(counted)} training passes {left:.0%} of its running mean and variance is still the 0 "
                    f"and 1 that they started with (momentum={momentum:g})",
                    remedy=f"a larger momentum (0.1 is usual): with {momentum:g} they need {math.ceil(3 / momentum)} "
                    "passes",
                )
