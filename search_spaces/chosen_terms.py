"""Labels of zeros and ones, by which a loss that is written by hand chooses between two terms, the other way round."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.loss_mask import PRODUCTS
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source


def at_choices(training: Training, chosen: Callable[[Any], Any], wanted: Callable[[], bool] = lambda: True) -> None:
    """Asks `chosen(labels)` what is taken in the place of zeros and ones that a term of a loss is multiplied by.

    Args:
        training: whose losses. What a model does inside of its forward pass is left alone.
        chosen: of labels, or of 1 - labels, be they multiplied by a number.
        wanted: whether it is asked now.
    """
    torch: Any = training.torch

    def product(own: Any) -> Any:
        def multiply(left: Any, right: Any, *more: Any, **options: Any) -> Any:
            if wanted() and not in_model(training):
                if _is_chosen_by(torch, left, right):
                    left = chosen(left)
                elif _is_chosen_by(torch, right, left):
                    right = chosen(right)
            return own(left, right, *more, **options)

        return multiply

    for name in PRODUCTS:
        training.replace(torch.Tensor, name, product)


def in_model(training: Any) -> bool:
    """Whether the forward pass of a model is on; that of a loss, which has no weights, is none."""
    return training.root is not None and any(True for _ in training.root.parameters())


def _is_chosen_by(torch: Any, factor: Any, term: Any) -> bool:
    return isinstance(term, torch.Tensor) and term.requires_grad and chooses(torch, factor)


def chooses(torch: Any, values: Any) -> bool:
    """Whether some numbers are 0, and all others one and the same."""
    if not isinstance(values, torch.Tensor) or values.requires_grad or values.numel() < 2:
        return False
    # (Not by ==, which others hear.)
    zeros, largest = ~values.bool(), values.ge(values.max())
    return bool((zeros | largest).all()) and bool(zeros.any()) and not bool(zeros.all())


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"turned": "1 - label in the place of label, and label in that of 1 - label"} if anatomy.chosen else {}


def _turn(training: Training, level: str) -> None:
    at_choices(training, lambda labels: labels.max() - labels if labels.is_floating_point() else 1 - labels.int())


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The statement with `label` where it has `1 - label`, and the other way round."""
    inside = ast.walk(source.statement) if source.statement is not None else []
    products = [one for one in inside if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult)]
    factors = [side for one in products for side in (one.left, one.right)]
    rests = [one for one in factors if isinstance(one, ast.BinOp) and _is_rest(one)]
    labels = {ast.unparse(one.right) for one in rests}
    label = labels.pop() if len(labels) == 1 else ""
    alone = [one for one in factors if ast.unparse(one) == label]
    if not alone:
        return None
    turned = [(source.in_brackets(one), label) for one in rests]
    return source.all_replaced([*turned, *((one, f"(1 - {label})") for one in alone)])


def _is_rest(value: ast.BinOp) -> bool:
    """Whether it is `1 - label`."""
    return isinstance(value.op, ast.Sub) and isinstance(value.left, ast.Constant) and value.left.value == 1


CHOSEN_TERMS = Intervention(
    "chosen_terms",
    what="of two terms of a loss that is written by hand, label * this + (1 - label) * that, each counts where the "
    "other did",
    source="Hadsell, Chopra & LeCun, Dimensionality reduction by learning an invariant mapping (2006): Y = 0 is alike",
    levels=_levels,
    apply=_turn,
    place=lambda anatomy: anatomy.chosen,
    patch=_patched,
    points=("worse_than_chance",),
    cannot="labels that are read inside of a model's forward pass, or as conditions; a mask beside them is turned too",
)
