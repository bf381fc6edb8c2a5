"""Numbers of full precision."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Intervention, Training


def _apply(training: Training, level: str) -> None:
    def off(own: Any) -> Any:
        def __init__(block: Any, *arguments: Any, **options: Any) -> None:
            own(block, *arguments, **options)
            block._enabled = False

        return __init__

    training.replace(training.torch.amp.autocast_mode.autocast, "__init__", off)


PRECISION = Intervention(
    "precision",
    what="autocast does nothing: everything is computed in the tensors' own precision",
    source="Micikevicius et al., Mixed precision training (2018)",
    levels=lambda anatomy: {"float32": "without torch.autocast"} if anatomy.autocast else {},
    apply=_apply,
    harmless=True,
    points=("not_finite",),
)
