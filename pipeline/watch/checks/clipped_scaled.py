"""Gradients that a gradient scaler has multiplied are clipped as if they were the loss's own."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Clipped

# Clippings in a row that have to show it.
ROWS = 3


class GradientsClippedScaled(Check):
    name = "gradients_clipped_scaled"
    looks_at = "whether gradients are unscaled by their gradient scaler before they are clipped, in the first clippings"
    cost = "a comparison of the norm with the largest that is let through, a dozen times"
    source = "PyTorch documentation, Automatic Mixed Precision examples: gradient clipping"
    expected = "scaler.unscale_(optimizer) before clip_grad_norm_"
    remedy = "call scaler.unscale_(optimizer) after scaler.scale(loss).backward() and before the gradients are clipped"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._rows = 0

    def clipped(self, call: Clipped) -> None:
        scale = call.scale()
        # A bound that lets scaled gradients through was made for them.
        self._rows = self._rows + 1 if scale > 1 and call.norm() > call.bound else 0
        if self._rows == ROWS:
            self.finds(
                call.place,
                f"{ROWS} times in a row, gradients that a scaler had multiplied by {scale:,.0f} were clipped at "
                f"{call.bound:g}: what is left of them is at most {call.bound / scale:.2g}",
            )
