"""Another loss for the same targets: cross entropy where classes are learnt by squared error, a loss of each class by
itself where several hold at once; the other sign."""

from __future__ import annotations

import ast
from typing import Any

from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training, is_added_to
from backtrack.task.patching import Source, name_of
from backtrack.task.sums import without_additions
from backtrack.task.written import calls_of, first_line

SQUARED = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def _levels(anatomy: Anatomy) -> dict[str, str]:
    loss = anatomy.loss
    if loss.get("name") == "cross_entropy" and loss.get("multi_hot") and not anatomy.last:
        return {"one_by_one": "nn.BCEWithLogitsLoss(): several classes hold at once, so each is told by itself"}
    if loss.get("name") not in SQUARED:
        return {}
    if loss.get("one_hot"):
        return {"cross_entropy": "nn.CrossEntropyLoss() on raw outputs, with class numbers"}
    if loss.get("binary"):
        return {"cross_entropy": "nn.BCEWithLogitsLoss() on raw outputs"}
    return {}


def _apply(training: Training, level: str) -> None:
    if level == "one_by_one":
        training.at_loss(_one_by_one)
        return
    anatomy = training.anatomy
    last, one_hot = anatomy.last.partition(" ")[0], bool(anatomy.loss.get("one_hot"))

    def change(call: LossCall) -> None:
        if call.name not in SQUARED or call.output.shape != call.target.shape:
            return
        output: Any = call.output.float()
        if one_hot:
            # Cross entropy of log p is that of the outputs before a softmax.
            call.output = output.clamp_min(1e-12).log() if last == "softmax" else output
            call.name, call.target = "cross_entropy", call.target.argmax(-1)
        elif last == "sigmoid":
            call.name, call.output = "binary_cross_entropy", output.clamp(1e-7, 1 - 1e-7)
        else:
            call.name = "binary_cross_entropy_with_logits"
        call.options = {name: value for name, value in call.options.items() if name == "reduction"}

    training.at_loss(change)


def _one_by_one(call: LossCall) -> None:
    if call.name == "cross_entropy" and call.output.shape == call.target.shape:
        call.name = "binary_cross_entropy_with_logits"
        call.options = {name: value for name, value in call.options.items() if name == "reduction"}


# The functions of losses, and their classes.
CLASSES_OF = {
    "cross_entropy": "CrossEntropyLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
}
PROBABILITIES = ("binary_cross_entropy", "BCELoss")
RAW_OUTPUTS = ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss")


def _named(anatomy: Anatomy) -> tuple[str, ...]:
    name = anatomy.loss.get("name", "")
    return (name, CLASSES_OF[name]) if name in CLASSES_OF else ()


def _files(anatomy: Anatomy) -> list[str]:
    """The program's files, the one whose line computes the loss before others, which may compute metrics."""
    own = str(anatomy.loss.get("place", "")).rpartition(":")[0]
    return [*([own] if own else []), *anatomy.sources]


def _other_loss(source: Source, level: str, anatomy: Anatomy) -> str | None:
    names = _named(anatomy)
    calls = source.all_calls(*names)
    # The targets of one-hot rows would have to be class numbers; of several calls, one may be the metric's.
    if anatomy.loss.get("one_hot") or len(calls) != 1 or not source.knows_others(calls[0]):
        return None
    if any(one.arg != "reduction" for one in calls[0].keywords):
        return None
    others = dict(zip(names, PROBABILITIES if anatomy.last else RAW_OUTPUTS, strict=True))
    return source.replaced(*source.renamed(calls[0], others[name_of(calls[0])]))


LOSS_FUNCTION = Intervention(
    "loss_function",
    what="classes that are learnt by squared error are learnt by cross entropy; classes of which several hold at once "
    "are learnt one by one",
    source="Golik, Doetsch & Ney, Cross-entropy vs. squared error training (2013); DeepFD, loss function",
    levels=_levels,
    apply=_apply,
    answers=("targets",),
    size=2,
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
    patch=_other_loss,
    edited=lambda anatomy: first_line(_files(anatomy), calls_of(*_named(anatomy))),
)


NEGATED, MOST_OPTIMISERS = "negated", 3


def _signs(anatomy: Anatomy) -> dict[str, str]:
    if not anatomy.optimisers:
        return {}
    levels = {NEGATED: "-loss, if --mode is right: the metric gets worse by training"}
    stepping = {one["stepped"]: one for one in anatomy.optimisers if one.get("stepped")}
    # Of a generator and a discriminator, each has a loss of its own.
    if 1 < len(stepping) <= MOST_OPTIMISERS:
        for number, one in sorted(stepping.items()):
            whose = f"{one['kind']} at {one['place']}"
            levels[f"{NEGATED}_{number}"] = f"the other sign (or the other labels) of the loss that {whose} steps on"
    return levels


def _signed_at(anatomy: Anatomy) -> str:
    # Of several, which one it is differs from level to level.
    several = len(_signs(anatomy)) > 1
    return "" if several else str(anatomy.loss.get("place", "") or anatomy.optimiser.get("place", ""))


def _negated(training: Training, level: str) -> None:
    number = int(level.removeprefix(NEGATED).lstrip("_") or 0)
    # In the order of their first steps.
    stepping: list[Any] = []

    def negate(optimiser: Any) -> None:
        if not any(optimiser is one for one in stepping):
            stepping.append(optimiser)
        if number and stepping[number - 1 : number] != [optimiser]:
            return
        for group in optimiser.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.grad.neg_()

    # Back again behind the step: what a program accumulates or reads is its own.
    training.at_step(before=negate, after=negate)


def _with_other_sign(source: Source, level: str, anatomy: Anatomy) -> str | None:
    """The one backward pass of a file from the other sign of what it begins from."""
    calls = source.all_calls("backward")
    if level != NEGATED or len(calls) != 1 or not isinstance(calls[0].func, ast.Attribute):
        return None
    # `loss.backward()`, or `accelerator.backward(loss)`.
    begun = calls[0].args[0] if calls[0].args else calls[0].func.value
    negative = f"-{source.operand(begun)}"
    return source.replaced(begun, negative if calls[0].args else f"({negative})")


LOSS_SIGN = Intervention(
    "loss_sign",
    what="each step goes up the gradient and not down: θ ← θ + lr g, as if the loss had the other sign; of all "
    "optimisers, or of one of several",
    source="DeepFD and deepmufl, loss function; Sutton & Barto, Reinforcement Learning (2018), 13.3",
    levels=_signs,
    apply=_negated,
    on_suspicion=True,
    points=("worse_than_chance",),
    place=_signed_at,
    patch=_with_other_sign,
    edited=lambda anatomy: first_line(_files(anatomy), calls_of("backward")),
)


def _alone(training: Training, level: str) -> None:
    values: list[Any] = []

    def told(call: LossCall, value: Any) -> None:
        if call.training:
            values.append(value)

    def begin(total: Any) -> Any:
        own = values[0] if is_added_to(total, values) else total
        values.clear()
        return own

    training.at_loss(after=told)
    training.at_objective(begin)


def _loss_alone(source: Source, level: str, anatomy: Anatomy) -> str | None:
    calls = source.all_calls("backward")
    return without_additions(source, calls[0].lineno, anatomy.loss.get("name", "")) if len(calls) == 1 else None


ADDED_TERMS = Intervention(
    "added_terms",
    what="the net trains on the loss function's value alone: penalties that are added to it by hand are left out",
    source="Goodfellow et al., Deep Learning (2016), 7.1: parameter norm penalties",
    levels=lambda anatomy: (
        {"off": f"{anatomy.loss['name']} alone, without what is added to it (or with a smaller weight)"}
        if anatomy.loss and anatomy.calls.get("added to the loss")
        else {}
    ),
    apply=_alone,
    cannot="losses that are a sum of several loss functions",
    place=lambda anatomy: str(anatomy.loss.get("place", "")),
    patch=_loss_alone,
)
