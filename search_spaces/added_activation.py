"""Activations where a net of several layers has none."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.recurrent import CELLS, LAYERS

# Modules that are no linear maps though they hold no activation that can be seen.
OTHERS = (*LAYERS, *CELLS, "MultiheadAttention", "TransformerEncoderLayer")


def _levels(anatomy: Anatomy) -> dict[str, str]:
    before = anatomy.maps.get("weighted", [])[:-1]
    if not before or anatomy.activations or anatomy.has(*OTHERS):
        return {}
    return {"relu": f"nn.ReLU() after {', '.join(before)}"}


def _add(training: Training, level: str) -> None:
    relu, before = training.torch.relu, set(training.anatomy.maps["weighted"][:-1])

    def after(module: Any, path: str, given: Any, result: Any) -> Any:
        return relu(result) if path in before and isinstance(result, training.torch.Tensor) else result

    training.at_layer(after)


ADDED_ACTIVATION = Intervention(
    "added_activation",
    what="h = max(0, Wx + b) in each layer but the last, of a net that has no activation",
    source="Goodfellow et al., Deep Learning (2016), 6.1",
    levels=_levels,
    apply=_add,
    on_suspicion=True,
    harmless=True,
    answers=("linear_net",),
    cannot="several nets that have layers of the same names: all of them get it",
)
