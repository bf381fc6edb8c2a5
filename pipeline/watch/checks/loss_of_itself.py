"""A loss compares what the net says with itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

if TYPE_CHECKING:
    from torch import Tensor

# Losses at one place, one after another, that compare something with itself: two nets may begin as copies.
TIMES = 3


class LossOfItself(Check):
    name = "loss_of_itself"
    looks_at = "whether a loss's output and target are one tensor, or two that a net computes and that are equal"
    cost = "one comparison in the first dozen losses at a place, where the target has a gradient"
    source = "PyTorch forum: the loss is 0 from the first step on; Stack Overflow: a variable that is written over"
    expected = "a target that the net does not make itself"
    remedy = "give the loss what is to be hit: the data, before its name is given to what the net says"
    more_exact_than = ("zero_gradient", "weights_that_stay")

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._alike: dict[str, int] = {}

    def loss(self, call: Loss) -> None:
        if not call.training or call.output.numel() < 2:
            return
        # One that compares different things ends it.
        same = _is_one(call.output, call.target)
        self._alike[call.place] = self._alike.get(call.place, 0) + 1 if same else -TIMES * TIMES
        if self._alike[call.place] == TIMES:
            self.finds(
                call.place or call.name,
                f"{call.name} compares what the net says with itself (outputs and targets of shape "
                f"{tuple(call.output.shape)} are the same numbers in {TIMES} losses): there is nothing to learn",
            )


def _is_one(output: Tensor, target: Tensor) -> bool:
    """Whether two tensors are the same numbers at one place in memory, or computed twice."""
    if output.numel() != target.numel() or output.dtype != target.dtype:
        return False
    if output.data_ptr() == target.data_ptr() and target.data_ptr():
        return output.shape == target.shape and output.stride() == target.stride()
    return target.grad_fn is not None and output.shape == target.shape and bool((output == target).all())
