"""The activation that a net ends in: left out, or another."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source

# What functions are called by: anything else before their name is the tensor itself.
MODULES = ("torch", "F", "functional")
# Activations behind which a sigmoid lies above a half.
CUT_BELOW = ("relu", "relu6")
# Losses of one probability for each output.
BINARY = ("binary_cross_entropy",)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    function = anatomy.last.partition(" ")[0]
    name = anatomy.loss.get("name", "")
    # A single number has no width.
    width = (anatomy.loss.get("output") or [0])[-1]
    found = {}
    if function and name not in BINARY:
        found["none"] = f"leave the last {function} out"
    if name in BINARY and function != "sigmoid":
        both = " and ".join(site.partition(" ")[0] for site in (_cut_before(anatomy), anatomy.last) if site)
        found["sigmoid"] = f"sigmoid instead of {both or 'no activation'} at the end"
    if anatomy.loss.get("one_hot") and name not in BINARY and function != "softmax":
        found["softmax"] = f"softmax over the classes instead of {function or 'no activation'} at the end"
    if function == "softmax" and width == 1 and name not in BINARY:
        found["sigmoid"] = "sigmoid instead of the softmax of one unit"
    return found


def _cut_before(anatomy: Anatomy) -> str:
    """The site of an activation right before the last that lets no number below zero through; empty for none."""
    return anatomy.before_last if anatomy.before_last.partition(" ")[0] in CUT_BELOW else ""


def _apply(training: Training, level: str) -> None:
    torch: Any = training.torch
    last, before = training.anatomy.last, _cut_before(training.anatomy) if level == "sigmoid" else ""

    # Written out: torch's own functions are what is replaced.
    def sigmoid(value: Any) -> Any:
        return 1 / (1 + torch.exp(-value))

    def softmax(value: Any) -> Any:
        powers = (value - value.amax(-1, keepdim=True)).exp()
        return powers / powers.sum(-1, keepdim=True)

    others: dict[str, Any] = {"none": lambda value: value, "sigmoid": sigmoid, "softmax": softmax}
    other = others[level]
    if last:
        changes = {last: other} | ({before: lambda value: value} if before else {})
        training.at_activation(lambda site, function: changes.get(site))
    else:

        def change(call: LossCall) -> None:
            if call.name in BINARY or level == "softmax":
                call.output = other(call.output)

        training.at_loss(change)


def _left_out(source: Source, level: str, anatomy: Anatomy) -> str | None:
    if level != "none":
        return None
    for call in source.calls(anatomy.last.partition(" ")[0]):
        function = call.func.value if isinstance(call.func, ast.Attribute) else None
        # A method's own tensor, or a function's first argument.
        method = function is not None and source.segment(function).rpartition(".")[2] not in (
            "torch",
            "F",
            "functional",
        )
        inner = function if method else call.args[0] if call.args else None
        if inner is None:
            return None
        alone = call is getattr(source.statement, "value", None)
        return source.replaced(call, source.segment(inner) if alone else source.operand(inner))
    return None


LAST_ACTIVATION = Intervention(
    "last_activation",
    what="the activation that is nearest to the loss is left out, or becomes another",
    source="DeepLocalize and UMLAUT: wrong last activation; Goodfellow et al., Deep Learning (2016), 6.2.2",
    levels=_levels,
    apply=_apply,
    inside=True,
    harmless=True,
    answers=("unreachable_targets", "loss_input"),
    place=lambda anatomy: anatomy.last.partition(" at ")[2].rpartition("#")[0],
    patch=_left_out,
)
