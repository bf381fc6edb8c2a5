"""Dropout, switched off."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of
from backtrack.task.written import calls_of, first_line
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT

# Layers that drop by themselves.
WITHIN = (*RECURRENT, "TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer", "MultiheadAttention")
CLASSES = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
FUNCTIONS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


def _levels(anatomy: Anatomy) -> dict[str, str]:
    used = anatomy.has(*CLASSES) or anatomy.calls.get("dropout")
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


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """All of the file's dropouts with p = 0."""
    edits: list[tuple[ast.AST, str]] = []
    for call in source.all_calls(*CLASSES, *FUNCTIONS):
        given = [one.value for one in call.keywords if one.arg == "p"]
        # A function's first argument is what it drops from.
        given += call.args[:1] if name_of(call) in CLASSES else call.args[1:2]
        edits += [(one, "0.0") for one in given] or [source.longer(call, "p=0.0")]
    within = [one for call in source.all_calls(*WITHIN) for one in call.keywords if one.arg == "dropout"]
    edits += [(one.value, "0.0") for one in within]
    return source.all_replaced(edits) if edits else None


DROPOUT = Intervention(
    "dropout",
    what="nothing is dropped",
    source="Srivastava et al., Dropout (2014)",
    levels=_levels,
    apply=_apply,
    inside=True,
    harmless=True,
    answers=("dropout", "dropout_while_judged"),
    place=lambda anatomy: first_line(anatomy.sources, calls_of(*CLASSES, *FUNCTIONS, *WITHIN)),
    patch=_patched,
)
