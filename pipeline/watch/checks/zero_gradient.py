"""A parameter's gradient is exactly zero at every step."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Rounded, Step

LOOKS = 3
# Where the loss is 0 as well, at each of the last steps.
NOTHING_ASKED = (
    "look at what the loss is multiplied with, or is the difference of: an advantage, a mask or a weight that is 0 for "
    "every example, a margin that is kept from the start, a value that is compared with itself"
)


class ZeroGradient(Check):
    name = "zero_gradient"
    looks_at = "whether the whole gradient of a weight matrix is zero at the steps that are looked at closely"
    cost = "a norm for each parameter at a close step"
    source = "AUTOTRAINER (ICSE 2021), dying ReLU; Karpathy, Yes you should understand backprop (2016)"
    expected = "each weight matrix gets some gradient from some batch"
    remedy = (
        "look for an activation that cannot pass it on (a ReLU that is always off, a softmax or sigmoid that "
        "is pinned), or gradients that are cleared between backward and step"
    )
    effect = True
    more_exact_than = ("weights_that_stay",)

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._looks: dict[int, int] = {}
        self._alive: set[int] = set()
        self._rounded: Rounded | None = None

    def rounded(self, call: Rounded) -> None:
        self._rounded = self._rounded or call

    def before_step(self, step: Step) -> None:
        key = id(step.heard)
        if not step.close or self._looks.get(key, 0) > 8:
            return
        self._looks[key] = self._looks.get(key, 0) + 1
        weights = [
            one for one in step.heard.parameters if one.grad is not None and not one.grad.is_sparse and one.ndim > 1
        ]
        for weight in weights:
            if id(weight) not in self._alive and weight.grad is not None and bool(weight.grad.any()):
                self._alive.add(id(weight))
        dead = [weight for weight in weights if id(weight) not in self._alive]
        if self._looks[key] >= LOOKS and dead and step.number >= 5:
            names = [self.heard.name_of(weight) for weight in dead]
            said = (
                f"the gradient of {len(dead)} of {len(weights)} weight matrices was exactly zero at "
                f"{self._looks[key]} steps"
            )
            losses = list(self.heard.losses)[-LOOKS:]
            if len(losses) == LOOKS and not any(losses):
                self.finds(joined(names), f"{said}, and so was the loss", remedy=NOTHING_ASKED)
            else:
                self.finds(joined(names), said, remedy=_past(self._rounded))


def _past(rounded: Rounded | None) -> str:
    """How a gradient gets past what rounds; empty where nothing does."""
    if rounded is None:
        return ""
    name = rounded.name
    return (
        f"{name} at {rounded.place} is flat, so that no gradient gets past it: x + (x.{name}() - x).detach() has its "
        "values, and the gradient of x"
    )
