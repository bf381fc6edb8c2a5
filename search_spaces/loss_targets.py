"""The targets in the form that the loss takes: of two signs, and none left out that is a class."""

from __future__ import annotations

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training

# Losses of two signs that have one output, and those that can leave targets out.
SIGNED = ("soft_margin_loss", "hinge_embedding_loss")
LEAVING_OUT = ("cross_entropy", "nll_loss")
# What torch leaves out by itself: no class has that number.
NONE = -100


def _levels(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    if loss.get("name") in SIGNED and loss.get("zeros"):
        return {"signed": "2 * y - 1: the loss takes -1 and 1"}
    if loss.get("name") in LEAVING_OUT and loss.get("ignored", NONE) >= 0:
        return {"all_count": f"leave ignore_index={loss['ignored']} out: it is a class"}
    return {}


def _given(training: Training, level: str) -> None:
    def change(call: LossCall) -> None:
        if level == "signed" and call.name in SIGNED:
            call.target = 2 * call.target - 1
        elif level == "all_count" and call.name in LEAVING_OUT and call.training:
            call.options = {**call.options, "ignore_index": NONE}

    training.at_loss(change)


LOSS_TARGETS = Intervention(
    "loss_targets",
    what="labels of 0 and 1 become -1 and 1 where the loss takes two signs; targets that a loss leaves out by "
    "ignore_index count",
    source="PyTorch documentation of SoftMarginLoss, HingeEmbeddingLoss and CrossEntropyLoss",
    levels=_levels,
    apply=_given,
    harmless=True,
    on_suspicion=True,
    answers=("targets",),
    place=place,
    cannot="losses of two outputs, as CosineEmbeddingLoss",
)
