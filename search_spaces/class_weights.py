"""Rare classes count as much as frequent ones."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training

CLASSES = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy_with_logits", "binary_cross_entropy")
# The largest class has so many times the examples of the smallest before weights are tried.
UNEQUAL = 3.0


def _unequal(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    if loss.get("name") in CLASSES and loss.get("largest", 0) > UNEQUAL * loss.get("smallest", 1):
        return {"balanced": "cross_entropy(…, weight=1 / class frequency)"}
    if loss.get("name") in BINARY and loss.get("binary") and _is_one_question(loss.get("target", [])):
        ones = loss.get("mean", 0.5)
        if max(ones, 1 - ones) > UNEQUAL * min(ones, 1 - ones):
            return {"balanced": "pos_weight=negatives / positives"}
    return {}


def _is_one_question(shape: list[int]) -> bool:
    """Whether there is one answer an example: of several labels most are 0, and that says nothing."""
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def _balanced(training: Training, level: str) -> None:
    torch: Any = training.torch
    counts: list[Any] = []

    def add(found: Any) -> Any:
        counts[:] = [found + (counts[0] if counts else 0)]
        return counts[0]

    def change(call: LossCall) -> None:
        if not call.training:
            return
        if call.name in CLASSES and not call.target.is_floating_point():
            classes = call.output.shape[1]
            each = add(torch.bincount(call.target.flatten().clamp_min(0), minlength=classes)[:classes].double())
            weights = each.sum() / (classes * each.clamp_min(1))
            call.options = {**call.options, "weight": weights.to(call.output.dtype)}
        elif call.name in BINARY:
            ones = call.target > 0.5
            each = add(torch.stack([(~ones).sum(), ones.sum()]).double())
            weight = (each[0] / each[1].clamp_min(1)).to(call.output.dtype)
            if call.name == "binary_cross_entropy":
                call.options = {**call.options, "weight": torch.where(ones, weight, 1.0)}
            else:
                call.options = {**call.options, "pos_weight": weight}

    training.at_loss(change)


CLASS_WEIGHTS = Intervention(
    "class_weights",
    what="each class has a weight of one over its frequency so far",
    source="King & Zeng, Logistic regression in rare events data (2001)",
    levels=_unequal,
    apply=_balanced,
    points=("collapsed_predictions", "constant_output"),
    answers=("inverted_class_weights",),
    place=place,
)
