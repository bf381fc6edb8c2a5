"""Weights are loaded, and none of them has a name that the net knows."""

from __future__ import annotations

from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.moments import Loaded


class WeightsNotLoaded(Check):
    name = "weights_not_loaded"
    looks_at = "which names load_state_dict(…, strict=False) gives back as missing and as unexpected"
    cost = "a comparison of numbers where weights are loaded"
    source = "PyTorch documentation of load_state_dict: strict, missing_keys, unexpected_keys; DataParallel's `module.`"
    expected = "weights of which some at least have a name of the net's"
    remedy = (
        "bring the names in line, such as {name.removeprefix('module.'): w for name, w in state.items()}, and look at "
        "what load_state_dict returns"
    )

    def loaded(self, call: Loaded) -> None:
        if call.given and call.missing and len(call.unexpected) == call.given:
            self.finds(
                call.place,
                f"none of the {call.given} weights given to {call.model} is loaded: they are called "
                f"{joined(call.unexpected, 2)}, and the net's are {joined(call.missing, 2)}",
            )
