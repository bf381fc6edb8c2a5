"""Axes in another order: by permute, where the program has view or reshape."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import exchanged_axes


def _levels(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.exchanged:
        return {}
    return {"permuted": f"permute({_order(anatomy)}) in place of {anatomy.exchanged[0]['function']}"}


def _apply(training: Training, level: str) -> None:
    def make(own: Any) -> Any:
        def shaped(tensor: Any, *sizes: Any, **named: Any) -> Any:
            result = own(tensor, *sizes, **named)
            order = exchanged_axes(tuple(tensor.shape), tuple(result.shape))
            if not order or not is_called_by_own():
                return result
            # Axes of one number go last: they may stand anywhere.
            ones = [place for place, size in enumerate(tensor.shape) if size == 1]
            return own(tensor.permute(*order, *ones).contiguous(), tuple(result.shape))

        return shaped

    for name in ("view", "reshape"):
        training.replace(training.torch.Tensor, name, make)


def _permuted(source: Source, level: str, anatomy: Anatomy) -> str | None:
    found = anatomy.exchanged[0]
    calls = [(call, call.func) for call in source.calls(found["function"])]
    if len(calls) != 1 or len(found["order"]) != found["axes"]:
        return None
    ((call, function),) = calls
    tensor = source.operand(function.value) if isinstance(function, ast.Attribute) else "torch"
    return source.replaced(call, f"{tensor}.permute({_order(anatomy)})") if tensor != "torch" else None


def _order(anatomy: Anatomy) -> str:
    return ", ".join(map(str, anatomy.exchanged[0]["order"]))


AXES = Intervention(
    "axes",
    what="view and reshape that put sizes into another order put the axes into that order",
    source="PyTorch documentation of Tensor.view and Tensor.permute",
    levels=_levels,
    apply=_apply,
    harmless=True,
    answers=("exchanged_axes",),
    cannot="arrays that NumPy reshapes, and what libraries view",
    place=lambda anatomy: str(anatomy.exchanged[0]["place"]) if anatomy.exchanged else "",
    patch=_permuted,
)
