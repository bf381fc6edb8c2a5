"""The activation that a net ends in: left out, or another."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source, spanning
from backtrack.task.written import (
    CLASSES,
    HOLDERS,
    calls_of,
    first_line,
    is_method,
    made_at,
    place_of,
)

# Activations behind which a sigmoid lies above a half.
CUT_BELOW = ("relu", "relu6")
# What takes the sigmoid of what it gets before it does the same.
WITH_LOGITS = {"BCELoss": "BCEWithLogitsLoss", "binary_cross_entropy": "binary_cross_entropy_with_logits"}
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


def last_place(anatomy: Anatomy) -> str:
    """Where the last activation is called, or its module made; empty where that is not known."""
    return place_of(anatomy.last, anatomy.sources)


def left_out(source: Source, anatomy: Anatomy) -> str | None:
    """The file without the last activation."""
    call = made_at(source, anatomy.last)
    if call is not None:
        for holder in source.all_calls(*HOLDERS):
            if call in holder.args[1:]:
                before = holder.args[holder.args.index(call) - 1]
                return source.replaced(spanning(before, call), source.segment(before))
        return source.replaced(*source.renamed(call, "Identity"))
    for call in source.calls(anatomy.last.partition(" ")[0]):
        inner: Any = call.func.value if is_method(source, call) else call.args[0] if call.args else None  # type: ignore[attr-defined]
        if inner is None:
            return None
        alone = call is getattr(source.statement, "value", None)
        return source.replaced(call, source.segment(inner) if alone else source.operand(inner))
    return None


def as_another(source: Source, anatomy: Anatomy, other: str) -> str | None:
    """The file with another function of torch in the place of the last activation.

    Args:
        source: of the file, at the last activation's line.
        anatomy: whose `last` it is.
        other: the function's name, such as `log_softmax`.
    """
    function = anatomy.last.partition(" ")[0]
    call = made_at(source, anatomy.last)
    made, name = call or next(iter(source.calls(function)), None), CLASSES[other] if call is not None else other
    if made is None or not source.knows_others(made):
        return None
    if other == "sigmoid":
        # Options of the other, such as the dimension of a softmax, are none of its own.
        given = source.segment(made.args[0]) if call is None and made.args and not is_method(source, made) else ""
        return source.replaced(made, f"{source.renamed(made, name)[1]}({given})")
    return source.replaced(*source.renamed(made, name))


def _patched(source: Source, level: str, anatomy: Anatomy) -> str | None:
    if level == "none":
        return left_out(source, anatomy)
    if not anatomy.last and level == "sigmoid":
        return source.as_other_calls(WITH_LOGITS)
    return as_another(source, anatomy, level) if level == "sigmoid" and not _cut_before(anatomy) else None


def _edited(anatomy: Anatomy) -> str:
    return last_place(anatomy) or first_line(anatomy.sources, calls_of(*WITH_LOGITS))


LAST_ACTIVATION = Intervention(
    "last_activation",
    what="the activation that is nearest to the loss is left out, or becomes another",
    source="DeepLocalize and UMLAUT: wrong last activation; Goodfellow et al., Deep Learning (2016), 6.2.2",
    levels=_levels,
    apply=_apply,
    inside=True,
    harmless=True,
    answers=("unreachable_targets", "loss_input"),
    place=last_place,
    patch=_patched,
    edited=_edited,
)
