"""Options at which an adaptive optimiser adapts to nothing: betas in each other's place, an epsilon above all else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.optimisers import are_exchanged
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor

# An epsilon that somebody has set; how many times above the gradients' size it leaves their size out of the step.
SET, ABOVE = 1e-3, 10.0
# Update over weight below which such steps are small as well: about 1e-3 is healthy.
SMALL = 1e-3
# Steps that have to show it, and from which step on.
LOOKS, FROM = 5, 5


class AdaptiveRule(Check):
    name = "adaptive_rule"
    looks_at = (
        "betas of an optimiser at its first step; its eps beside its mean squares, at close steps after the fifth"
    )
    cost = "two norms and a root a matrix at a close step, where eps is 0.001 or more"
    source = "Kingma & Ba, Adam (2015): β₁² < √β₂ is needed for its convergence, and a step is about the learning rate"
    expected = "a first moment that forgets faster than the second, and an eps far below the gradients' size"
    remedy = "leave the option out: betas=(0.9, 0.999) and eps=1e-8 are usual"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._looks: dict[int, list[tuple[float, float]]] = {}

    def after_step(self, step: Step) -> None:
        optimiser = step.heard.optimiser
        place = step.heard.place
        if step.number == 1:
            self._look_at_betas(optimiser, place)
        elif step.close and step.number >= FROM:
            self._look_at_epsilon(optimiser, place)

    def _look_at_betas(self, optimiser: Any, place: str) -> None:
        for group in optimiser.param_groups:
            betas = [float(beta) for beta in group.get("betas") or ()]
            squares = any("exp_avg_sq" in optimiser.state.get(weight, {}) for weight in group["params"])
            if squares and are_exchanged(betas):
                self.finds(
                    place,
                    f"betas=({betas[0]:g}, {betas[1]:g}): the mean gradient is older than the mean square that it is "
                    "divided by",
                    remedy=f"betas=({betas[1]:g}, {betas[0]:g}), the other way round: the first is the gradient's",
                )

    def _look_at_epsilon(self, optimiser: Any, place: str) -> None:
        for number, group in enumerate(optimiser.param_groups):
            epsilon = float(group.get("eps") or 0.0)
            if epsilon < SET:
                continue
            seen = [
                one
                for weight in group["params"]
                if (one := _sizes(weight, optimiser.state.get(weight, {}), group)) is not None
            ]
            if not seen:
                continue
            looks = self._looks.setdefault(number, [])
            looks.append((max(size for size, _ in seen), max(ratio for _, ratio in seen)))
            gradients, update = (median(column) for column in zip(*looks, strict=True))
            if len(looks) == LOOKS and epsilon > ABOVE * gradients and update < SMALL:
                self.finds(
                    place,
                    f"eps={epsilon:g} is at least {epsilon / max(gradients, 1e-30):.0f} times the size of any matrix's "
                    f"gradients and divides them in its place: a step moves none by more than {update:.1e} of its size",
                    remedy=f"leave eps={epsilon:g} out: 1e-8 is usual",
                )


def _sizes(weight: Tensor, state: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[float, float] | None:
    """Of a matrix: the root of its gradients' mean square, and its update over its size."""
    squares, mean = state.get("exp_avg_sq"), state.get("exp_avg")
    if squares is None or mean is None or weight.ndim < 2 or not bool(weight.any()):
        return None
    passed = 1 - float(group["betas"][1]) ** float(state["step"])
    size = float((squares / max(passed, 1e-12)).mean().sqrt())
    update = float(group["lr"]) * float(mean.norm()) / float(group["eps"])
    return size, update / float(weight.detach().norm())
