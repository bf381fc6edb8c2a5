"""The targets in the form that the loss takes: of two signs, 0 to 1, numbers of classes; none left out that is one."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source

# Losses of two signs that have one output, and those that can leave targets out.
SIGNED = ("soft_margin_loss", "hinge_embedding_loss")
LEAVING_OUT = ("cross_entropy", "nll_loss")
# One that takes targets between 0 and 1, and says nothing about others.
BINARY = "binary_cross_entropy_with_logits"
# One that takes the numbers of an example's classes, and -1 behind the last.
NUMBERED = "multilabel_margin_loss"
# What torch leaves out by itself: no class has that number.
NONE = -100


def _levels(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    if loss.get("name") in SIGNED and loss.get("zeros"):
        return {"signed": f"{_signed('y')}: the loss takes -1 and 1"}
    if loss.get("name") == BINARY and _is_beyond(loss):
        return {"zero_one": f"{_zero_one('y', loss)}: the loss takes 0 to 1"}
    if loss.get("name") == NUMBERED and loss.get("low") == 0 and loss.get("high", 1) <= 1 and loss["target"][-1] > 2:
        return {"numbers": f"{_numbers('y')}: the loss takes the classes' numbers, and -1 behind the last"}
    if loss.get("name") in LEAVING_OUT and loss.get("ignored", NONE) >= 0:
        return {"all_count": f"leave ignore_index={loss['ignored']} out: it is a class"}
    return {}


def _is_beyond(loss: dict[str, Any]) -> bool:
    low, high = loss.get("low", 0.0), loss.get("high", 1.0)
    return low < high and (low < 0 or high > 1)


def _signed(targets: str) -> str:
    return f"2 * {targets} - 1"


def _numbers(targets: str) -> str:
    return f"torch.where({targets} == 1, torch.arange({targets}.shape[1]), -1).sort(descending=True).values"


def _zero_one(targets: str, loss: dict[str, Any]) -> str:
    """Targets between 0 and 1, as it is written: `(y + 1) / 2`."""
    low, wide = loss["low"], loss["high"] - loss["low"]
    moved = f"{targets} {'-' if low > 0 else '+'} {abs(low):g}" if low else targets
    if wide == 1:
        return moved
    return f"{f'({moved})' if low else moved} / {wide:g}"


def _given(training: Training, level: str) -> None:
    loss = training.anatomy.loss

    def change(call: LossCall) -> None:
        if level == "zero_one" and call.name == BINARY:
            call.target = (call.target - loss["low"]) / (loss["high"] - loss["low"])
        elif level == "signed" and call.name in SIGNED:
            call.target = 2 * call.target - 1
        elif level == "numbers" and call.name == NUMBERED:
            torch, rows = training.torch, call.target
            places = torch.arange(rows.shape[-1], device=rows.device)
            call.target = torch.where(rows == 1, places, -1).sort(descending=True).values
        elif level == "all_count" and call.name in LEAVING_OUT and call.training:
            call.options = {**call.options, "ignore_index": NONE}

    training.at_loss(change)


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The loss of targets that are brought to its form where it is called."""
    two = [call for call in source.calls() if len(call.args) == 2]
    if not two or level == "all_count":
        return None
    targets = source.operand(two[0].args[1])
    if level == "numbers":
        return source.replaced(two[0].args[1], _numbers(targets))
    return source.replaced(two[0].args[1], _signed(targets) if level == "signed" else _zero_one(targets, anatomy.loss))


LOSS_TARGETS = Intervention(
    "loss_targets",
    what="labels of 0 and 1 become -1 and 1 where the loss takes two signs, others 0 to 1 where it takes these, and a "
    "1 for each class its number where it takes numbers; targets that a loss leaves out by ignore_index count",
    source="PyTorch documentation of SoftMarginLoss, HingeEmbeddingLoss, MultiLabelMarginLoss, BCEWithLogitsLoss and "
    "CrossEntropyLoss",
    levels=_levels,
    apply=_given,
    harmless=True,
    on_suspicion=True,
    answers=("targets", "ignored_labels"),
    place=place,
    patch=_patched,
    cannot="losses of two outputs, as CosineEmbeddingLoss",
)
