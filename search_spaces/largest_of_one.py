"""A threshold for the answer of a single output, where the program asks which is the largest of one number."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source, name_of
from backtrack.task.written import dimensions_of, first_line, is_method, is_number
from backtrack.vocabulary.largest import LARGEST, asked_of_one
from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import owners_of

# From where on an output says yes, by the loss that it is trained with.
LOGITS = ("binary_cross_entropy_with_logits", "soft_margin_loss", "hinge_embedding_loss")
THRESHOLDS = {"logit": 0, "probability": 0.5}


def _levels(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.optimisers:
        return {}
    loss = anatomy.loss.get("name", "")
    level = "logit" if loss in LOGITS or not loss else "probability"
    return {level: f"(outputs > {THRESHOLDS[level]}).long() in the place of their argmax"}


def _apply(training: Training, level: str) -> None:
    torch: Any = training.torch

    def made(name: str) -> Callable[[Any], Any]:
        def make(own: Any) -> Any:
            def largest(*arguments: Any, **options: Any) -> Any:
                dim = None if torch.is_grad_enabled() else asked_of_one(arguments, options)
                found = own(*arguments, **options)
                if dim is None or not is_called_by_own():
                    return found
                says_yes = (arguments[0] > THRESHOLDS[level]).long()
                if not (options.get("keepdim") or (len(arguments) > 2 and arguments[2])):
                    says_yes = says_yes.squeeze(dim)
                return says_yes if name == "argmax" else torch.return_types.max((found[0], says_yes))

            return largest

        return make

    for owner, name in owners_of(torch, LARGEST):
        training.replace(owner, name, made(name))


def _calls(source: Source) -> list[tuple[ast.Call, ast.expr, ast.expr]]:
    """`(call, tensor, dimension)` of a file's calls that may ask for the largest of one: Python's own max is none."""
    found = []
    for call in source.all_calls(*LARGEST):
        if not isinstance(call.func, ast.Attribute):
            continue
        method = is_method(source, call)
        given = [call.func.value] if method else call.args[:1]
        found += [(call, given[0], one) for one in dimensions_of(call, 0 if method else 1) if given and is_number(one)]
    return found


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file with a threshold, where one call alone asks for the largest along a dimension."""
    calls = _calls(source)
    if len(calls) != 1:
        return None
    ((call, given, dim),) = calls
    says = f"({source.operand(given)}.squeeze({source.segment(dim)}) > {THRESHOLDS[level]}).long()"
    if name_of(call) == "argmax":
        return source.replaced(call, says)
    # Of max, `_, predicted = …` reads the second alone.
    for one in source.nodes:
        target = one.targets[0] if isinstance(one, ast.Assign) and one.value is call else None
        if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            return source.replaced(one, f"{source.segment(target.elts[1])} = {says}")
    return None


LARGEST_OF_ONE = Intervention(
    "largest_of_one",
    what="a single output says yes above a threshold, where the program asks which is the largest of one number",
    source="PyTorch documentation of argmax and BCEWithLogitsLoss",
    levels=_levels,
    apply=_apply,
    harmless=True,
    on_suspicion=True,
    answers=("largest_of_one",),
    place=lambda anatomy: first_line(anatomy.sources, lambda source: [call for call, _, _ in _calls(source)]),
    patch=_patched,
    cannot="answers that NumPy gives, and thresholds that a program computes",
)
