"""What a loss of each element is multiplied with: of masks the other part counts, of weights each element alike."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.graph import nodes_behind, operation_of

# Among an anatomy's calls: losses that are multiplied by a mask, those of which a mask picks elements, and those that
# are multiplied by other weights.
MASKED, PICKED, WEIGHED = "masked losses", "picked losses", "weighed losses"
# What gives each element of a loss another place, and how often it may do so.
MOVES, DEPTH = ("View", "UnsafeView", "Reshape", "Transpose", "T", "Permute", "Unsqueeze", "Squeeze", "Clone"), 4
PRODUCTS = ("__mul__", "__rmul__", "mul")


def at_masks(
    training: Training,
    masked: Callable[[Any], Any],
    ended: Callable[[Any, set[Any]], None] | None = None,
    is_factor: Callable[[Any, Any], bool] | None = None,
) -> None:
    """Asks `masked(mask)` where each element of a loss is multiplied by 0 or 1, or picked by a mask.

    Args:
        training: whose losses; a mask that picks is asked of only where its anatomy says that there is one.
        masked: gives the mask that is used; where the program counts what that leaves, it counts the same one.
        ended: given what is minimised, before its backward pass, and the nodes of the losses of each element.
        is_factor: tells `(torch, values)` by which a loss is multiplied from others; `is_mask` where none is given.
    """
    torch: Any = training.torch
    is_asked = is_factor or is_mask
    losses: set[Any] = set()
    last: list[tuple[Any, Any]] = []

    def told(call: LossCall, value: Any) -> Any:
        if not (call.training and isinstance(value, torch.Tensor) and value.ndim):
            return None
        losses.add(value.grad_fn)
        if is_factor is not None or not training.anatomy.calls.get(PICKED):
            return None
        other = value.as_subclass(kind)
        losses.add(other.grad_fn)
        return other

    def begin(total: Any) -> Any:
        if ended is not None and losses:
            ended(total, losses)
        losses.clear()
        return total

    def product(own: Any) -> Any:
        def multiply(left: Any, right: Any, *rest: Any, **options: Any) -> Any:
            if losses and isinstance(right, torch.Tensor):
                if _is_of(left, losses) and is_asked(torch, right):
                    right = used(right)
                elif _is_of(right, losses) and is_asked(torch, left):
                    left = used(left)
            return own(left, right, *rest, **options)

        return multiply

    def used(mask: Any) -> Any:
        other = masked(mask)
        last[:] = [(weakref.ref(mask), other)]
        return other

    def counted(own: Any) -> Any:
        def sum(tensor: Any, *arguments: Any, **options: Any) -> Any:
            known = [other for mask, other in last if mask() is tensor]
            return own(known[0] if known else tensor, *arguments, **options)

        return sum

    kind = _picking(torch, lambda index: used(index) if is_mask(torch, index) else index)
    training.at_loss(after=told)
    training.at_objective(begin)
    for name in PRODUCTS:
        training.replace(torch.Tensor, name, product)
    training.replace(torch.Tensor, "sum", counted)


def _picking(torch: Any, change: Callable[[Any], Any]) -> type:
    """A tensor of which `tensor[change(index)]` is what is picked; all that is computed from it is a plain one.

    Not in `__getitem__`'s place on `torch.Tensor` itself: each tensor is a sequence to Python then, for good, and
    `torch.tensor([a, b])` of two numbers asks these for their length.
    """

    class Picking(torch.Tensor):  # type: ignore[misc,name-defined]
        __torch_function__ = torch._C._disabled_torch_function_impl

        def __getitem__(self, index: Any) -> Any:
            return self.as_subclass(torch.Tensor)[change(index)]

    return Picking


def are_picked(torch: Any, total: Any, losses: set[Any]) -> bool:
    """Whether elements of these losses are picked by a mask on the way to the total."""
    indices = [node for node in nodes_behind([total]) or () if operation_of(node) == "Index"]
    picked = [node for node in indices if _comes_from(node.next_functions[0][0], losses)]
    return any(len(node._saved_indices) == 1 and is_mask(torch, node._saved_indices[0]) for node in picked)


def _is_of(tensor: Any, losses: set[Any]) -> bool:
    """Whether a tensor is what one of these nodes computed, in whatever shape."""
    return _comes_from(getattr(tensor, "grad_fn", None), losses)


def _comes_from(node: Any, losses: set[Any]) -> bool:
    for _ in range(DEPTH):
        if node is None or node in losses:
            break
        node = node.next_functions[0][0] if operation_of(node).startswith(MOVES) else None
    return node is not None and node in losses


def is_mask(torch: Any, values: Any) -> bool:
    """Whether all numbers are 0 or 1, and not all the same."""
    if not isinstance(values, torch.Tensor) or values.requires_grad or values.numel() < 2:
        return False
    ones = values == 1
    return bool((ones | (values == 0)).all()) and bool(ones.any()) and not bool(ones.all())


def is_weights(torch: Any, values: Any) -> bool:
    """Whether these are numbers that no net computes and that are no mask; in a batch of one kind all may be 0."""
    plain = isinstance(values, torch.Tensor) and values.is_floating_point() and not values.requires_grad
    same = plain and bool((values == 1).all())
    return plain and not same and values.numel() > 1 and not is_mask(torch, values) and bool((values >= 0).all())


def is_either(torch: Any, values: Any) -> bool:
    """Whether these are a mask, or weights."""
    return is_mask(torch, values) or is_weights(torch, values)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    masked = anatomy.calls.get(MASKED) or anatomy.calls.get(PICKED)
    return {"inverted": "the other part of the loss's mask: ~mask (or 1 - mask)"} if masked else {}


def _apply(training: Training, level: str) -> None:
    at_masks(training, lambda mask: ~mask if mask.dtype is training.torch.bool else 1 - mask)


LOSS_MASK = Intervention(
    "loss_mask",
    what="what a loss leaves out by a mask of zeros and ones counts, and the rest does not",
    source="PyTorch forum: masked losses of sequences of different lengths",
    levels=_levels,
    apply=_apply,
    place=place,
    cannot="masks that weigh, and losses that are not torch's",
)


LOSS_WEIGHTS = Intervention(
    "loss_weights",
    what="each element of a loss counts alike, where the program multiplies them by weights",
    source="King & Zeng, Logistic regression in rare events data (2001): weights, and what they ask for",
    levels=lambda anatomy: {"alike": "the loss without its weights"} if anatomy.calls.get(WEIGHED) else {},
    apply=lambda training, level: at_masks(training, training.torch.ones_like, is_factor=is_weights),
    place=place,
    cannot="losses that are not torch's, and weights that a net computes",
)
