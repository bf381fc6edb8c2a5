"""What a loss is told beside its output and its target: weights, smoothed labels, where it bends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source

# What torch's loss functions do where nothing else is said.
USUAL: dict[str, float | None] = {
    "weight": None,
    "pos_weight": None,
    "label_smoothing": 0.0,
    "delta": 1.0,
    "beta": 1.0,
}
WITHOUT = "without_"


def unusual(options: Mapping[str, Any]) -> list[str]:
    """The names of options that are not as torch has them by itself.

    Example:
        >>> unusual({"label_smoothing": 0.1, "weight": None, "reduction": "mean"})
        ['label_smoothing']
    """
    return [name for name, usual in USUAL.items() if not _is_usual(options.get(name, usual), usual)]


def _is_usual(value: Any, usual: float | None) -> bool:
    if value is None or isinstance(value, (int, float)):
        return bool(value == usual)
    # A tensor of weights of 1 weighs nothing.
    return bool((value == 1).all())


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {f"{WITHOUT}{name}": f"leave {name}=… of the loss out" for name in anatomy.loss.get("options", [])}


def _plain(training: Training, level: str) -> None:
    name = level.removeprefix(WITHOUT)

    def change(call: LossCall) -> None:
        if call.training and name in call.options:
            call.options = {**call.options, name: USUAL[name]}

    training.at_loss(change)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    name = level.removeprefix(WITHOUT)
    return source.with_keyword(name, lambda value: repr(USUAL[name]))


LOSS_OPTIONS = Intervention(
    "loss_options",
    what="an option of the loss is as torch has it by itself: no weights, no smoothed labels, a bend at 1",
    source="PyTorch documentation of CrossEntropyLoss, BCEWithLogitsLoss and HuberLoss; Müller, Kornblith & Hinton, "
    "When does label smoothing help? (2019)",
    levels=_levels,
    apply=_plain,
    points=("collapsed_predictions", "constant_output"),
    answers=("inverted_class_weights",),
    place=place,
    patch=_patched,
)
