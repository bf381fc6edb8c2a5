"""On which steps of its lines a model's outputs depend, by their gradients in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def gradients_of_steps(twin: Any, given: Sequence[Any], steps: int, most: int) -> Tensor | None:
    """The largest gradient of any output by each step of each line.

    Args:
        twin: a copy of the model, which may be changed (`twin.asked`).
        given: positional arguments of a pass; the first has the lines, as numbers, or as ids that one embedding looks
            up. Of the others those that have as many examples are cut to as many.
        steps: the dimension of the first that counts steps, 0 or 1; the other counts examples.
        most: examples that are asked.

    Returns:
        (examples, steps), none below zero; None where the lines do not come in so.

    Example:
        >>> import torch
        >>> last = torch.nn.Module()
        >>> last.forward = lambda lines: lines[:, -1]
        >>> (gradients_of_steps(last, [torch.randn(2, 3, 4)], steps=1, most=8) > 0).tolist()
        [[False, False, True], [False, False, True]]
    """
    import torch

    from backtrack.watch.listening.tensors import tensors_in

    examples, count = 1 - steps, given[0].shape[1 - steps]

    def cut(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        one = one.detach().cpu()
        one = one.double() if one.is_floating_point() else one
        is_of_each = one.ndim > examples and one.shape[examples] == count
        return one.narrow(examples, 0, min(most, count)) if is_of_each else one

    inputs, *others = map(cut, given)
    looked_up: list[Any] = []

    def keep(module: Any, arguments: Any, result: Any) -> Any:
        ids = arguments[0]
        if ids.shape != inputs.shape or bool((ids == ids.narrow(examples, 0, 1)).all()):
            # The same of every example: places, which are looked up too.
            return None
        looked_up.append(result.detach().requires_grad_())
        return looked_up[-1]

    twin = twin.cpu().double().eval()
    with torch.enable_grad():
        if inputs.is_floating_point():
            inputs = inputs.requires_grad_()
            looked_up.append(inputs)
        else:
            for module in twin.modules():
                if type(module) is torch.nn.Embedding:
                    module.register_forward_hook(keep)
        outputs = [one for one in tensors_in(twin(inputs, *others)) if one.requires_grad]
        if not outputs or len(looked_up) != 1 or looked_up[0].shape[:2] != inputs.shape[:2]:
            return None
        total = sum((one * torch.randn_like(one)).sum() for one in outputs)
        (gradient,) = torch.autograd.grad(total, looked_up)
    each = gradient.abs().reshape(*gradient.shape[:2], -1).amax(2)
    return each if steps == 1 else each.T
