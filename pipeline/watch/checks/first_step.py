"""The first step puts others in the place of the weights that the net began with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor, nn

# How many times its size each matrix has then, and how many times the size of its inputs that of its outputs is.
GROWN, GAIN = 5.0, 5.0
# Of one layer alone a step cannot be too large for what comes behind it; so many are looked at.
FEWEST, MOST = 2, 12


class FirstStep(Check):
    name = "first_step"
    looks_at = "the size of the weights of linear and convolution layers, before and after an optimiser's first step"
    cost = "a copy and two norms of a dozen matrices, once"
    source = (
        "Glorot & Bengio (2010): weights of a size that keeps that of the signal; "
        "CS231n: the ratio of updates to weights"
    )
    expected = "a step of a ten-thousandth to a tenth of the weights"
    remedy = "divide the learning rate by a hundred (Adam's first step moves each weight by the whole of it)"
    effect = True
    more_exact_than = ("constant_output",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._before: dict[int, list[tuple[Tensor, float]]] = {}

    def before_step(self, step: Step) -> None:
        if step.number != 1:
            return
        own = {id(weight) for weight in step.heard.parameters if weight.grad is not None}
        weights = [weight for weight in self._matrices() if id(weight) in own][:MOST]
        self._before[id(step.heard)] = [(weight, float(weight.detach().norm())) for weight in weights]

    def after_step(self, step: Step) -> None:
        kept = self._before.pop(id(step.heard), [])
        if len(kept) < FEWEST:
            return
        sizes = [(size, float(weight.detach().norm()), len(weight)) for weight, size in kept]
        # Outputs of layer and inputs of one size: ‖W‖² = number of outputs.
        least = min(after / size if size and after >= GAIN * outputs**0.5 else 0.0 for size, after, outputs in sizes)
        if GROWN <= least < float("inf"):
            self.finds(
                step.heard.place,
                f"the first step takes the weights of every layer to {least:.0f} times their size or more "
                f"(learning rate {step.heard.rates_now})",
            )

    def _matrices(self) -> Iterator[Tensor]:
        """Weights of linear and convolution layers; none of a net whose batch normalisation undoes their size."""
        for model in self.heard.models:
            parts: list[nn.Module] = list(model.module.modules())
            if any(hasattr(part, "running_mean") for part in parts):
                continue
            for part in parts:
                weight = getattr(part, "weight", None)
                if (hasattr(part, "in_features") or hasattr(part, "in_channels")) and weight is not None:
                    yield weight
