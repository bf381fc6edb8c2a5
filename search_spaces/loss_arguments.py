"""What a loss function gets: outputs first, tensors of one shape, numbers of the kind that it takes, a mean."""

from __future__ import annotations

from typing import Any

from backtrack.search_spaces.last_activation import WITH_LOGITS, as_another, last_place, left_out
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.task.patching import Source
from backtrack.task.written import calls_of, first_line
from backtrack.vocabulary.loss_sides import are_exchanged
from backtrack.vocabulary.shapes import is_square


def place(anatomy: Anatomy) -> str:
    """Where the first loss is called."""
    return str(anatomy.loss.get("place", ""))


def _differ(anatomy: Anatomy) -> dict[str, str]:
    broadcast = anatomy.calls.get("square difference", 0) > 0
    loss = anatomy.loss
    elementwise = loss.get("name") in ELEMENTWISE and loss["output"] != loss["target"]
    return {"alike": "bring both to one shape, such as output.squeeze(1)"} if broadcast or elementwise else {}


ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
               "binary_cross_entropy_with_logits", "poisson_nll_loss")  # fmt: skip


def _alike(training: Training, level: str) -> None:
    torch = training.torch

    def change(call: LossCall) -> None:
        same = call.output.numel() == call.target.numel()
        if call.name in ELEMENTWISE and same and call.output.shape != call.target.shape:
            call.target = call.target.reshape(call.output.shape)

    def difference(own: Any) -> Any:
        def subtract(left: Any, right: Any, *rest: Any, **options: Any) -> Any:
            if isinstance(right, torch.Tensor) and isinstance(left, torch.Tensor) and is_square(left, right):
                right = right.reshape(left.shape)
            return own(left, right, *rest, **options)

        return subtract

    training.at_loss(change)
    for name in ("__sub__", "__rsub__", "sub", "__mul__", "__rmul__", "mul"):
        training.replace(torch.Tensor, name, difference)


def _squeezed(source: Source, level: str, anatomy: Anatomy) -> str | None:
    output, target = anatomy.loss.get("output", []), anatomy.loss.get("target", [])
    two = [call for call in source.calls() if len(call.args) == 2]
    wider = 0 if len(output) == len(target) + 1 else 1 if len(target) == len(output) + 1 else None
    if not two or wider is None or [output, target][wider][-1] != 1:
        return None
    argument = two[0].args[wider]
    return source.replaced(argument, f"{source.operand(argument)}.squeeze(-1)")


LOSS_SHAPES = Intervention(
    "loss_shapes",
    what="outputs and targets with equally many numbers are brought to one shape before they are compared",
    source="PyTorch's warning on target sizes; NumPy's rules of broadcasting",
    levels=_differ,
    apply=_alike,
    harmless=True,
    answers=("broadcast_loss",),
    place=place,
    patch=_squeezed,
)


def _in_order(training: Training, level: str) -> None:
    def change(call: LossCall) -> None:
        if are_exchanged(call.name, call.output, call.target, call.options):
            call.output, call.target = call.target, call.output

    training.at_loss(change)


def _exchanged(source: Source, level: str, anatomy: Anatomy) -> str | None:
    two = [call for call in source.calls() if len(call.args) == 2]
    if not two:
        return None
    first, second = two[0].args
    return source.all_replaced([(first, source.segment(second)), (second, source.segment(first))])


LOSS_ORDER = Intervention(
    "loss_order",
    what="where a loss gets what is known first and what the net computes second, the two change places",
    source="PyTorch documentation of cross_entropy, binary_cross_entropy and KLDivLoss: input first, then target",
    levels=lambda anatomy: {"outputs_first": "loss(outputs, targets)"} if anatomy.loss else {},
    apply=_in_order,
    harmless=True,
    on_suspicion=True,
    answers=("exchanged_arguments",),
    place=place,
    patch=_exchanged,
)

# What a loss gets and what it should get: `{(loss, last activation): what a person would write}`.
FORMS = {
    ("cross_entropy", "softmax"): "leave the softmax out: cross_entropy takes raw outputs",
    ("cross_entropy", "sigmoid"): "leave the sigmoid out: cross_entropy takes raw outputs",
    ("binary_cross_entropy_with_logits", "sigmoid"): "leave the sigmoid out, or use binary_cross_entropy",
    ("binary_cross_entropy_with_logits", "softmax"): "leave the softmax out, or use binary_cross_entropy",
    ("nll_loss", "softmax"): "log_softmax instead of softmax",
    ("nll_loss", ""): "log_softmax before nll_loss, or cross_entropy",
    ("nll_loss", "sigmoid"): "log_softmax instead of the sigmoid",
    ("nll_loss", "relu"): "log_softmax instead of the ReLU",
    ("ctc_loss", "softmax"): "log_softmax instead of softmax",
    ("ctc_loss", ""): "log_softmax before ctc_loss",
    ("kl_div", "softmax"): "log_softmax instead of softmax",
    ("kl_div", ""): "log_softmax before kl_div",
}
# Losses of log-probabilities, and the axis over which a row sums to 1.
LOGARITHMS = {"nll_loss": 1, "ctc_loss": -1, "kl_div": -1}


# What else takes what a loss is given: the same of probabilities, and one that takes the logarithm itself.
OTHER_LOSSES = {
    "binary_cross_entropy_with_logits": {other: name for name, other in WITH_LOGITS.items()},
    "nll_loss": {"NLLLoss": "CrossEntropyLoss", "nll_loss": "cross_entropy"},
}
# A loss of rates, or of their logarithms, as it is told.
COUNTS = "poisson_nll_loss"


def _form(anatomy: Anatomy) -> dict[str, str]:
    last = anatomy.last.partition(" ")[0]
    text = FORMS.get((anatomy.loss.get("name", ""), last))
    if anatomy.loss.get("name") == COUNTS:
        takes, other = ("logarithms of rates", False) if anatomy.loss.get("log_input", True) else ("rates", True)
        text = f"log_input={other}: as it is written, the loss takes {takes}"
    return {"as_outputs_are": text} if text else {}


def _formed(training: Training, level: str) -> None:
    last, name = training.anatomy.last.partition(" ")[0], training.anatomy.loss.get("name")

    def change(call: LossCall) -> None:
        if call.name != name:
            # Another part of the training, such as a teacher's, has a last activation of its own.
            return
        if call.name == COUNTS:
            call.options = {**call.options, "log_input": not call.options.get("log_input", True)}
        if FORMS.get((call.name, last)) is None:
            return
        output = call.output.float()
        if call.name in LOGARITHMS:
            axis = LOGARITHMS[call.name]
            call.output = output.clamp_min(1e-12).log() if last == "softmax" else output.log_softmax(axis)
        elif last == "sigmoid" and call.name == "cross_entropy":
            call.output = output.clamp(1e-6, 1 - 1e-6).logit()
        elif last == "softmax" and call.name == "cross_entropy":
            # Cross entropy of log p is that of the outputs before the softmax.
            call.output = output.clamp_min(1e-12).log()
        else:
            call.name, call.output = "binary_cross_entropy", output.clamp(1e-7, 1 - 1e-7)
            call.options = {name: value for name, value in call.options.items() if name != "pos_weight"}
            call.target = call.target.float()

    training.at_loss(change)


def _form_edited(anatomy: Anatomy) -> str:
    """The line of the last activation, where it is left out or becomes another; else that of what makes the loss."""
    name = anatomy.loss.get("name", "")
    others = {COUNTS: ("PoissonNLLLoss", COUNTS)}.get(name) or OTHER_LOSSES.get(name, {})
    if anatomy.last and name in ("cross_entropy", *LOGARITHMS):
        return last_place(anatomy)
    return first_line(anatomy.sources, calls_of(*others)) if others else ""


def _as_formed(source: Source, level: str, anatomy: Anatomy) -> str | None:
    name = anatomy.loss.get("name", "")
    if name == COUNTS:
        other = str(not anatomy.loss.get("log_input", True))
        calls = source.all_calls("PoissonNLLLoss", COUNTS)
        given = [one.value for call in calls for one in call.keywords if one.arg == "log_input"]
        if given:
            return source.all_replaced((one, other) for one in given)
        return source.all_replaced(source.longer(call, f"log_input={other}") for call in calls)
    if anatomy.last and name == "cross_entropy":
        return left_out(source, anatomy)
    if anatomy.last and name in LOGARITHMS:
        return as_another(source, anatomy, "log_softmax") if anatomy.last.startswith("softmax") else None
    return source.as_other_calls(OTHER_LOSSES[name]) if name in OTHER_LOSSES else None


LOSS_FORM = Intervention(
    "loss_form",
    what="a loss of raw outputs that gets probabilities gets their logarithm, and one of log-probabilities gets these; "
    "one of counts takes what the net puts out for rates, or for their logarithms",
    source="PyTorch documentation of CrossEntropyLoss, NLLLoss, KLDivLoss, BCEWithLogitsLoss and PoissonNLLLoss",
    levels=_form,
    apply=_formed,
    harmless=True,
    answers=("loss_input",),
    place=place,
    patch=_as_formed,
    edited=_form_edited,
)


def _summed(training: Training, level: str) -> None:
    def change(call: LossCall) -> None:
        if call.options.get("reduction") == "sum" and call.training:
            call.options = {**call.options, "reduction": "mean"}

    training.at_loss(change)


LOSS_REDUCTION = Intervention(
    "loss_reduction",
    what="the loss is the mean over a batch and not its sum: the step does not grow with the batch",
    source="PyTorch documentation of reduction",
    levels=lambda anatomy: {"mean": "reduction='mean'"} if anatomy.loss.get("reduction") == "sum" else {},
    apply=_summed,
    harmless=True,
    points=("exploding_gradient", "not_finite"),
    place=place,
    patch=lambda source, level, anatomy: source.with_keyword("reduction", lambda value: '"mean"'),
)
