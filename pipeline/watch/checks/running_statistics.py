"""Running statistics of batch normalisation that stay where they started."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner

PASSES = 10


class RunningStatistics(Check):
    name = "running_statistics"
    looks_at = (
        "the running mean and variance of batch normalisation, in its tenth training pass that is looked at closely"
    )
    cost = "two comparisons a layer, once"
    source = "PyTorch documentation of BatchNorm: momentum of the running statistics"
    expected = "running statistics that follow the batches: in evaluation mode a layer uses these"
    remedy = "a momentum above 0 (0.1 is usual), or track_running_stats=False"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._passes: dict[int, int] = {}

    def inner(self, call: Inner) -> None:
        module = call.module
        if "BatchNorm" not in type(module).__name__ or not module.training or not call.gradients:
            return
        self._passes[id(module)] = self._passes.get(id(module), 0) + 1
        mean, variance = getattr(module, "running_mean", None), getattr(module, "running_var", None)
        if self._passes[id(module)] != PASSES or mean is None or variance is None:
            return
        if bool((mean == 0).all()) and bool((variance == 1).all()):
            self.finds(
                call.place,
                f"its running mean and variance are still 0 and 1 after {PASSES} training passes and more "
                f"(momentum={module.momentum:g})",
            )
