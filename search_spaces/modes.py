"""Training mode while a model trains, evaluation mode while it is judged."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.task.patching import Source
from backtrack.task.written import models_of, statements_calling
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT


def _levels(anatomy: Anatomy) -> dict[str, str]:
    # Recurrent layers may have dropout between them.
    depends = any("Dropout" in kind or "BatchNorm" in kind or kind in RECURRENT for kind in anatomy.modules)
    wrong = anatomy.calls.get("judged in training mode") or anatomy.calls.get("trains in evaluation mode")
    text = "model.train() before training batches, model.eval() before judging"
    return {"as_used": text} if depends and wrong else {}


def _apply(training: Training, level: str) -> None:
    own: dict[int, list[tuple[Any, bool]]] = {}

    def before(model: Any, given: Any) -> Any:
        own[id(model)] = [(module, module.training) for module in model.modules()]
        model.train(training.torch.is_grad_enabled())
        return given

    def after(model: Any, result: Any) -> Any:
        for module, mode in own.pop(id(model), []):
            module.training = mode
        return result

    training.at_forward(before, after)


def _judging(source: Source, model: str) -> list[ast.stmt]:
    """The first statements in a file's blocks without gradients in which a model is called."""

    def is_without(expression: ast.expr) -> bool:
        called = expression.func if isinstance(expression, ast.Call) else expression
        return source.segment(called).rpartition(".")[2] in ("no_grad", "inference_mode")

    found: list[ast.stmt] = []
    for node in source.nodes:
        heads = (
            [one.context_expr for one in node.items]
            if isinstance(node, ast.With)
            else node.decorator_list
            if isinstance(node, ast.FunctionDef)
            else []
        )
        if any(map(is_without, heads)) and _calls(source, model, [node]):
            body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
            behind = len(body) > 1 and isinstance(getattr(body[0], "value", None), ast.Constant)
            # Not before a docstring.
            found.append(body[behind])
    return found


def _calls(source: Source, model: str, inside: list[Any]) -> bool:
    """Whether a model, `net` or `self.net`, is called inside of some nodes."""
    nodes = {id(node) for one in inside for node in ast.walk(one)}
    called = source.all_calls(model.rpartition(".")[2])
    return any(id(call) in nodes and source.segment(call.func) == model for call in called)


def _in_modes(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The file that says which mode it wants: training before each batch that trains, evaluation where it judges."""
    models = models_of(anatomy.optimiser)
    backward = statements_calling(source, "backward")
    named = len(models) == 1 and all(part.isidentifier() for part in models[0].split("."))
    judging = _judging(source, models[0]) if named else []
    if len(backward) != 1 or not judging:
        return None
    block = source.block_of(backward[0])
    if "." in models[0] and not _calls(source, models[0], block):
        # Where it is no object's own, its name says nothing there.
        return None
    first = block[0]
    return source.before_each([(first, f"{models[0]}.train()"), *((one, f"{models[0]}.eval()") for one in judging)])


MODES = Intervention(
    "modes",
    what="a pass with gradients is in training mode, one without in evaluation mode",
    source="PyTorch documentation of Module.train and Module.eval",
    levels=_levels,
    apply=_apply,
    harmless=True,
    answers=("wrong_mode",),
    patch=_in_modes,
    edited=lambda anatomy: str(anatomy.optimiser.get("place", "")),
    cannot="a model that is judged with gradients on is taken for one that trains",
)
