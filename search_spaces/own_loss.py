"""A loss that is written by hand is left out: the net learns the labels that it reads by one of torch's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backtrack.search_spaces.chosen_terms import chooses, in_model
from backtrack.task.intervention import Anatomy, Intervention, Training

STANDARD = "standard"
# Among an anatomy's calls: backward passes behind more than one pass of a model.
SEVERAL = "several passes for a loss"
# Numbers of a batch from which on those between 0 and 1 are taken for probabilities, and the error of their sums.
PROBABILITIES, ERROR = 8, 1e-4
SMALLEST = 1e-7


def standard_loss(torch: Any, output: Any, target: Any) -> Any:
    """Cross entropy of an output and labels, or the squared error of numbers; None where the two do not go together.

    Args:
        torch: the module.
        output: scores or probabilities of classes, (examples, classes, …) or (examples, steps, classes); a score or a
            probability of each label; or a number of each.
        target: class numbers, zeros and ones (or -1 and 1), a one for each class, or other numbers.

    Example:
        >>> import torch
        >>> scores = torch.tensor([[0.0, 9.0], [9.0, 0.0]])
        >>> round(float(standard_loss(torch, scores, torch.tensor([1, 0]))), 3)
        0.0
        >>> standard_loss(torch, scores, torch.tensor([1, 0, 1])) is None
        True
    """
    functional = torch.nn.functional
    whole, values = not target.is_floating_point(), target.detach()
    if whole:
        by_class = _by_class(output, target)
        if by_class is not None and 0 <= int(values.min()) <= int(values.max()) < by_class.shape[1]:
            labels = target.reshape(by_class.shape[:1] + by_class.shape[2:]).long()
            return functional.nll_loss(_logs(torch, by_class), labels)
    if output.numel() != target.numel():
        return None
    output = output.reshape(target.shape)
    low, high = float(values.min()), float(values.max())
    two = bool(((values == low) | (values == high)).all())
    if two and high == 1.0 and low in (0.0, -1.0):
        labels = (values.to(output) - low) / (high - low)
        if labels.ndim > 1 and labels.shape[1] > 1 and bool((labels.sum(1) == 1).all()):
            return functional.nll_loss(_logs(torch, output), labels.argmax(1))
        if _are_probabilities(output):
            return functional.binary_cross_entropy(output.clamp(SMALLEST, 1 - SMALLEST), labels)
        return functional.binary_cross_entropy_with_logits(output, labels)
    return None if whole else functional.mse_loss(output, target.to(output))


def _by_class(output: Any, target: Any) -> Any:
    """An output as (examples, classes, …) beside class numbers (examples, …); None where it is none of classes."""
    if output.ndim == target.ndim + 1 and output.shape[1] > 1 and output.shape[:1] + output.shape[2:] == target.shape:
        return output
    if output.ndim > 1 and output.shape[-1] > 1 and output.shape[:-1].numel() == target.numel():
        return output.movedim(-1, 1) if output.shape[:-1] == target.shape else output.reshape(-1, output.shape[-1])
    return None


def _are_probabilities(output: Any) -> bool:
    values = output.detach()
    return values.numel() >= PROBABILITIES and float(values.min()) >= 0 and float(values.max()) <= 1


def _logs(torch: Any, by_class: Any) -> Any:
    """The logarithms of the classes' probabilities, (examples, classes, …), of scores or of probabilities."""
    sums = by_class.detach().sum(1)
    if _are_probabilities(by_class) and bool(((sums - 1).abs() < ERROR).all()):
        return by_class.clamp_min(SMALLEST).log()
    return by_class.log_softmax(1)


def _in_place_of(training: Training, level: str) -> None:
    torch: Any = training.torch
    # Of the step that is on: what models said with gradients, and what a loss of that and of its labels is.
    said: list[Any] = []
    losses: list[Any] = []

    def read(values: Iterable[Any]) -> None:
        if len(said) != 1 or losses or in_model(training):
            return
        tensors = list(_tensors(torch, values))
        beside = any(one.requires_grad for one in tensors)
        for one in tensors:
            if not one.requires_grad and _may_be_target(torch, said[0], one, beside):
                # (Labels may be made ready where nothing has a gradient.)
                with torch.enable_grad():
                    loss = standard_loss(torch, said[0], one)
                losses.extend([] if loss is None else [loss])

    def after(model: Any, result: Any) -> Any:
        if torch.is_grad_enabled() and isinstance(result, torch.Tensor) and result.requires_grad:
            said.append(result)
        return result

    def objective(total: Any) -> Any:
        found = losses[0] if losses and len(said) == 1 else total
        said.clear()
        losses.clear()
        return found

    training.at_end(_reading(read))
    training.at_forward(after=after)
    training.at_objective(objective)


def _reading(read: Callable[[Iterable[Any]], None]) -> Callable[[], None]:
    """Calls `read(arguments)` behind all that is computed with torch, until what is returned is called."""
    from torch.overrides import TorchFunctionMode, _get_current_function_mode

    class Reading(TorchFunctionMode):
        is_on = True

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            if self.is_on:
                read((*args, *(kwargs or {}).values()))
            return result

    mode = Reading()
    mode.__enter__()

    def leave() -> None:
        mode.is_on = False
        # Under another one it stays, and is deaf.
        if _get_current_function_mode() is mode:
            mode.__exit__(None, None, None)

    return leave


def _tensors(torch: Any, values: Iterable[Any]) -> Iterator[Any]:
    for one in values:
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, (list, tuple)):
            yield from _tensors(torch, one)


def _may_be_target(torch: Any, output: Any, one: Any, beside: bool) -> bool:
    """Whether a tensor without a gradient may be what a net is to say: labels, or numbers beside what it says."""
    if one.numel() < 2 or not one.ndim:
        return False
    if one.is_floating_point():
        return one.numel() == output.numel() and (beside or chooses(torch, one))
    # The numbers of a batch's rows are no labels.
    return one.ndim > 1 or not one.equal(torch.arange(len(one), device=one.device).to(one))


def _is_beyond(anatomy: Anatomy) -> bool:
    """Whether a loss has other labels than those of a pass: of what an agent did, or of several passes."""
    return bool(anatomy.acts or anatomy.captured or anatomy.calls.get(SEVERAL))


OWN_LOSS = Intervention(
    "own_loss",
    what="a loss that is written by hand is left out: the net learns the labels that it reads by cross entropy, or "
    "numbers by squared error",
    source="DeepFD and deepmufl, loss function; PyTorch documentation of its loss functions",
    levels=lambda anatomy: (
        {STANDARD: "a loss of torch's in its place: cross entropy of classes, squared error of numbers"}
        if anatomy.optimisers and anatomy.by_hand and anatomy.maps and not _is_beyond(anatomy)
        else {}
    ),
    apply=_in_place_of,
    size=2,
    place=lambda anatomy: anatomy.by_hand,
    cannot="several models or passes a step, outputs that are no tensor, what the model's own pass compares, and the "
    "labels of an agent",
)
