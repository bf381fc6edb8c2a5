"""A model with batch normalisation says other things in evaluation mode than in training, of the same batch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward

# Steps after which running means have settled, in which steps it is looked at, and how far the outputs may differ, as a
# share of their size.
AFTER, LOOKS, DIFFERENCE = 100, 2, 1.5
MOST_PARAMETERS = 20_000_000


class BatchNormGap(Check):
    name = "batch_norm_gap"
    looks_at = "a copy of the model, twice after step 100: outputs by batch statistics against those by running ones"
    cost = "one copy of the model and two passes, twice"
    source = "Ioffe, Batch Renormalization (2017): small or dependent batches"
    expected = "running statistics that describe the training batches"
    remedy = "larger or mixed batches, a larger momentum of the running statistics, or GroupNorm"
    weight = UNUSUAL
    effect = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._gaps: dict[int, list[float]] = {}

    def forward(self, call: Forward) -> None:
        gaps = self._gaps.setdefault(id(call.model), [])
        if self.heard.steps < AFTER or not call.gradients or not call.training or len(gaps) >= LOOKS:
            return
        module = call.model.module
        layers = [one for one in module.modules() if "BatchNorm" in type(one).__name__]
        if not layers or sum(one.numel() for one in module.parameters()) > MOST_PARAMETERS:
            return
        gap = self._gap(module, call.arguments[0])
        if gap is None:
            return
        gaps.append(gap)
        if len(gaps) == LOOKS and min(gaps) > DIFFERENCE:
            self.finds(
                call.model.name,
                f"in evaluation mode its outputs for a training batch differ by {min(gaps):.0%} of their size from "
                "those by the batch's own statistics",
            )

    def _gap(self, module: Any, arguments: tuple[Any, ...]) -> float | None:
        """Difference of the outputs by running and by batch statistics, dropout off in both; or None."""
        from backtrack.watch.listening.tensors import tensors_in

        try:
            twin = copy.deepcopy(module).eval()
            running = tensors_in(twin(*arguments))
            for one in twin.modules():
                one.training = "BatchNorm" in type(one).__name__
            batch = tensors_in(twin(*arguments))
        except Exception:
            return None
        if not running or not running[0].is_floating_point():
            return None
        spread = (batch[0] - batch[0].mean(0)).norm().clamp_min(1e-12)
        return float((running[0] - batch[0]).norm() / spread)
