"""All units of a layer are alike, and stay so."""

from __future__ import annotations

from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.moments import Step

AT = 5


class EqualRows(Check):
    name = "equal_rows"
    looks_at = "whether all rows of a hidden weight matrix are equal after five steps"
    cost = "a comparison of each matrix, once"
    source = "Goodfellow et al., Deep Learning (2016), 8.4: symmetry between units; DeepFD, zero initialisation"
    expected = "units that differ from each other"
    remedy = "initialise the weights at random, not with one constant"

    def after_step(self, step: Step) -> None:
        if step.number != AT:
            return
        alike = [
            weight
            for weight in step.heard.parameters
            if weight.ndim >= 2 and weight.shape[0] > 1 and weight.numel() < 1 << 22 and weight.requires_grad
            and not weight.is_sparse and bool((weight == weight[:1]).all())
        ]  # fmt: skip
        if alike:
            names = [self.heard.name_of(weight) for weight in alike]
            self.finds(
                joined(names),
                f"in {len(alike)} weight matrices all rows are equal after {AT} steps: their units all do the same",
            )
