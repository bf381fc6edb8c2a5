"""The last activation cannot put out what the targets ask for, or always puts out the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.loss_sides import REGRESSIONS
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.loss_input import made_by_of, node_behind
from backtrack.watch.checks.moments import Loss

RANGES = {
    "Sigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Relu": (0.0, float("inf")),
    "Hardtanh": (-1.0, 1.0),
}
# Share of the targets that have to lie outside.
OUTSIDE = 0.05


class UnreachableTargets(Check):
    name = "unreachable_targets"
    looks_at = "the range of the last activation against the targets, at a loss's first calls"
    cost = "a comparison of the targets"
    source = "DeepLocalize and UMLAUT: wrong last activation; Stack Overflow 48934338 and others"
    expected = "the outputs can take every value that the targets have"
    remedy = "leave the last activation out for a regression, or bring the targets into its range"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, int] = {}

    def loss(self, call: Loss) -> None:
        if not call.training:
            return
        made_by = made_by_of(call.output)
        if made_by in ("Softmax", "LogSoftmax") and call.output.ndim > 1 and call.output.shape[-1] == 1:
            self._count(
                call,
                f"the softmax of a single unit is always 1, whatever the input ({call.name})",
                "use a sigmoid for one unit, or two units",
            )
        elif (made_by in RANGES or made_by.startswith("Clamp")) and call.name in REGRESSIONS:
            low, high = RANGES.get(made_by) or _ends_of(node_behind(call.output))
            target = call.target.detach().float()
            outside = float(((target < low - 1e-3) | (target > high + 1e-3)).float().mean())
            if outside > OUTSIDE:
                one_end = f"{low:g} and above" if math.isinf(high) else f"{high:g} and below"
                ends = f"{low:g} to {high:g}" if math.isfinite(high - low) else one_end
                self._count(
                    call,
                    f"the output ends in {made_by.lower()} ({ends}), and {outside:.0%} of the targets lie "
                    f"outside ({float(target.min()):.3g} to {float(target.max()):.3g})",
                    "",
                )

    def _count(self, call: Loss, said: str, remedy: str) -> None:
        self._seen[call.place] = self._seen.get(call.place, 0) + 1
        if self._seen[call.place] == 2:
            self.finds(call.place, said, remedy=remedy)


def _ends_of(clamp: Any) -> tuple[float, float]:
    """The ends of a clamp, by the node that it left in the graph; infinite where it has none, or where they differ."""
    ends = []
    for name, none in (("_saved_min", -math.inf), ("_saved_max", math.inf)):
        value = getattr(clamp, name, None)
        ends.append(float(value) if isinstance(value, (int, float)) else none)
    return ends[0], ends[1]
