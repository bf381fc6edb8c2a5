"""Targets of a regression far from unit scale."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.loss_sides import REGRESSIONS
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

LARGEST, ABSURD, SMALLEST = 20.0, 50.0, 0.003


class RegressionTargets(Check):
    name = "regression_targets"
    looks_at = "the scale of a regression's targets against what the model puts out, at the first calls"
    cost = "a few reductions at the first calls"
    source = "LeCun et al., Efficient BackProp (1998); DeepFD, missing output normalisation"
    expected = "targets of about unit scale, as an untrained model's outputs are"
    remedy = "standardise the targets for training, and scale predictions back for the metric"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._scales: dict[str, list[float]] = {}
        self._outputs: dict[str, float] = {}

    def loss(self, call: Loss) -> None:
        if call.name not in REGRESSIONS or not call.training or call.number >= 3 or call.target.numel() < 8:
            return
        target = call.target.detach().float()
        if not bool(target.isfinite().all()):
            # What is no number has no scale: the check of targets tells of it.
            return
        scale = float(target.pow(2).mean().sqrt())
        scales = self._scales.setdefault(call.place, [])
        scales.append(scale)
        # An untrained model's outputs: later ones may have followed the targets, or blown up.
        output = self._outputs.setdefault(call.place, float(call.output.detach().float().pow(2).mean().sqrt()))
        if len(scales) < 3 or self.heard.acts or call.target.requires_grad:
            return
        large = min(scales) > LARGEST and min(scales) > 5 * output
        if large or 0 < max(scales) < SMALLEST:
            weight = "" if min(scales) > ABSURD or max(scales) < SMALLEST else UNUSUAL
            self.finds(
                call.place,
                f"the targets have a root mean square of {scale:.3g} ({float(target.min()):.3g} to "
                f"{float(target.max()):.3g}), the outputs {output:.3g}",
                weight=weight,
            )
