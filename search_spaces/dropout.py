"""Dropout, switched off."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training

FUNCTIONS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


def _levels(anatomy: Anatomy) -> dict[str, str]:
    used = anatomy.has("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout") or anatomy.calls.get("dropout")
    return {"off": "p=0 in every dropout"} if used else {}


def _apply(training: Training, level: str) -> None:
    functional = training.torch.nn.functional

    def off(own: Any) -> Any:
        return lambda input, *arguments, **options: own(input, 0.0, False)

    for name in FUNCTIONS:
        training.replace(functional, name, off)

    def recurrent(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, training.torch.nn.RNNBase):
                module.dropout = 0.0

    training.at_model(recurrent)


DROPOUT = Intervention(
    "dropout",
    what="nothing is dropped",
    source="Srivastava et al., Dropout (2014)",
    levels=_levels,
    apply=_apply,
    inside=True,
    harmless=True,
    answers=("dropout", "dropout_while_judged"),
)
