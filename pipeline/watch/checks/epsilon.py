"""The epsilon of an optimiser is zero in the precision of its weights: it divides by zero."""

from __future__ import annotations

from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.moments import Step


class EpsilonUnderflows(Check):
    name = "epsilon_underflows"
    looks_at = "an optimiser's `eps` as a number of its weights' precision, at its first step"
    cost = "a comparison for each group of parameters, once"
    source = "PyTorch forum: Adam with float16 parameters gives NaN"
    expected = "weights in float32, or an eps that their precision can tell from zero"
    remedy = (
        "keep the weights in float32 and compute under torch.autocast with a GradScaler; or give the optimiser eps=1e-4"
    )

    def before_step(self, step: Step) -> None:
        if step.number != 1:
            return
        for group in step.heard.optimiser.param_groups:
            epsilon = group.get("eps")
            weights = [weight for weight in group["params"] if weight.is_floating_point()]
            if not isinstance(epsilon, float) or epsilon <= 0 or not weights:
                continue
            # Where fused kernels keep float32 moments the quotient is float32 as well; torch's own keep the weights'.
            if not bool(weights[0].new_tensor(epsilon) > 0):
                kind = str(weights[0].dtype).removeprefix("torch.")
                self.finds(
                    joined([self.heard.name_of(weight) for weight in weights]),
                    f"eps={epsilon:g} is zero in {kind}, the precision of {len(weights)} parameters: where a gradient "
                    "is zero, zero is divided by zero",
                )
