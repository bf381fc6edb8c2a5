"""The loss gets probabilities where it takes logits, or the other way round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.graph import operation_of
from backtrack.vocabulary.probabilities import are_probabilities
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

# Calls that have to show it, and the share of variances that are 0.
CALLS, ZEROS = 3, 0.05


class LossInput(Check):
    name = "loss_input"
    looks_at = "values of what a loss function gets, and the operation that made it, at its first calls"
    cost = "a few reductions at the first calls of each loss"
    source = "DeepLocalize, UMLAUT and DeepFD: softmax before cross entropy, missing softmax; Stack Overflow 55675345"
    expected = (
        "cross_entropy, …_with_logits and margins take raw outputs; nll_loss, ctc_loss and kl_div take "
        "log-probabilities; poisson_nll_loss takes logarithms of rates unless log_input=False, gaussian_nll_loss "
        "variances above 0"
    )
    remedy = "leave the last activation out, or use the loss that takes what the model puts out"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[tuple[str, str], int] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or call.exchanged or call.output.ndim == 0 or call.output.numel() < 4:
            return
        found = self._fault(call)
        if not found:
            return
        said, remedy, weight = found
        count = self._seen[(call.place, said)] = self._seen.get((call.place, said), 0) + 1
        # A loss that is divided by a variance of 0 is lost with it.
        if count == (1 if call.name == "gaussian_nll_loss" else CALLS):
            self.finds(call.place, f"{call.name} gets {said}", weight=weight, remedy=remedy)

    def _fault(self, call: Loss) -> tuple[str, str, str] | None:
        output, made_by = call.output.detach(), made_by_of(call.output)
        if call.name == "cross_entropy" and output.ndim > 1 and output.shape[1] > 1:
            if are_probabilities(output):
                return (
                    "probabilities (each row sums to 1), and takes a softmax of them again",
                    "leave the softmax out of the model: cross_entropy takes raw outputs",
                    "",
                )
            if made_by == "Sigmoid":
                return (
                    "outputs of a sigmoid, which lie between 0 and 1: the classes can hardly be told apart",
                    "leave the sigmoid out of the model: cross_entropy takes raw outputs",
                    "",
                )
            if made_by == "Relu":
                return (
                    "outputs of a ReLU: no class can get less than 0",
                    "leave the last ReLU out of the model",
                    UNUSUAL,
                )
        if call.name == "cross_entropy" and output.ndim > 1 and output.shape[1] == 1:
            return (
                "a single output: the softmax of one unit is always 1, and its loss 0",
                "use two outputs, or binary_cross_entropy_with_logits",
                "",
            )
        if "margin" in call.name:
            return _of_margins(call, output, made_by)
        if call.name == "nll_loss" and output.ndim > 1 and output.shape[1] > 1:
            return _of_logarithms(output, 1)
        if call.name == "ctc_loss":
            return _of_logarithms(output, -1)
        if call.name == "binary_cross_entropy_with_logits":
            if made_by in ("Sigmoid", "Softmax"):
                return (
                    f"outputs of a {made_by.lower()}, and takes a sigmoid of them again",
                    "leave the sigmoid out of the model, or use binary_cross_entropy",
                    "",
                )
            if made_by == "Relu":
                return (
                    "outputs of a ReLU: no probability can get below a half",
                    "leave the last ReLU out of the model",
                    "",
                )
        if call.name == "poisson_nll_loss":
            return _of_counts(call, output, made_by)
        if call.name == "gaussian_nll_loss":
            return _of_variances(call.options.get("var"))
        if call.name == "kl_div" and output.ndim > 1:
            sums = output.float().exp().sum(-1)
            if bool(((sums - 1).abs() > 0.05).float().mean() > 0.9):
                return "numbers that are no log-probabilities", "give it log_softmax of the outputs", ""
        return None


def _of_margins(call: Loss, output: Any, made_by: str) -> tuple[str, str, str] | None:
    # A smaller margin may be meant for probabilities.
    wide = call.name == "multi_margin_loss" and call.options.get("margin", 1.0) >= 1
    if wide and output.ndim > 1 and are_probabilities(output):
        return (
            "probabilities (each row sums to 1), and asks the right one to lie 1 above each other: only certainty does",
            "leave the softmax out of the model: multi_margin_loss takes raw outputs",
            "",
        )
    if call.name == "multilabel_soft_margin_loss" and made_by in ("Sigmoid", "Softmax"):
        return (
            f"outputs of a {made_by.lower()}, and takes a sigmoid of them again",
            f"leave the {made_by.lower()} out of the model: it takes raw outputs",
            "",
        )
    return None


def _of_logarithms(output: Any, axis: int) -> tuple[str, str, str] | None:
    if are_probabilities(output, axis):
        return (
            "probabilities, and takes log-probabilities",
            "use log_softmax instead of softmax, or cross_entropy on raw outputs",
            "",
        )
    sums = output.float().exp().sum(axis)
    if bool(((sums - 1).abs() > 0.05).float().mean() > 0.9):
        return (
            "numbers that are no log-probabilities (the exponentials of a row do not sum to 1)",
            "put log_softmax before it, or use cross_entropy on raw outputs",
            "",
        )
    return None


def _of_counts(call: Loss, output: Any, made_by: str) -> tuple[str, str, str] | None:
    logs = bool(call.options.get("log_input", True))
    if logs and made_by in ("Exp", "Softplus"):
        return (
            f"rates (outputs of {made_by.lower()}), and takes their logarithms",
            f"log_input=False, or leave {made_by.lower()} out of the model",
            "",
        )
    if not logs and bool((output < 0).any()):
        return "negative numbers, and takes rates", "log_input=True, or exp at the end of the model", ""
    return None


def _of_variances(given: Any) -> tuple[str, str, str] | None:
    # One number for all is no tensor.
    zeros = float((given == 0).float().mean()) if hasattr(given, "ndim") else 0.0
    if zeros < ZEROS:
        return None
    return (
        "variances of which many are 0: it divides by a millionth in their place, and they get no gradient",
        "softplus or exp for the variance, which are above 0, and not a ReLU",
        "",
    )


# Operations that only change a tensor's shape, or round it.
SHAPES = (
    "View",
    "Squeeze",
    "Unsqueeze",
    "Reshape",
    "Transpose",
    "Permute",
    "Alias",
    "Select",
    "Slice",
    "T",
    "ToCopy",
    "Expand",
    "UnsafeView",
)


def node_behind(tensor: Any) -> Any:
    """The node of the graph that a tensor comes from, behind those that only change its shape; None for none."""
    node = tensor.grad_fn
    for _ in range(6):
        if node is None or operation_of(node) not in SHAPES or not node.next_functions:
            return node
        node = node.next_functions[0][0]
    return None


def made_by_of(tensor: Any) -> str:
    """The operation that made a tensor, such as `Softmax`; empty where it is not known."""
    node = node_behind(tensor)
    return "" if node is None else operation_of(node)
