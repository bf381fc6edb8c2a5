"""Whether a model with attention reads the order of its steps, or of the patches of its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.attention import ATTENTION, patch_layer

if TYPE_CHECKING:
    from torch import Tensor

# Axes of pictures: examples, channels, rows and columns.
PICTURES = 4
# Steps that an own softmax must weigh by each of as many, at least, to be attention.
STEPS = 4
# Difference, as a share of the outputs' size, that is no rounding in double precision.
DIFFERENCE = 1e-8


def is_blind_to_order(twin: Any, given: Tensor, steps: int) -> bool:
    """Whether a model that attends says the same, or the same of each step, when its steps change places.

    Args:
        twin: a copy of the model, which may be changed (`twin.asked`).
        given: its inputs: ids, lines of features, or pictures (examples, channels, rows, columns), of which patches
            change places.
        steps: the dimension that counts steps; of pictures none.

    Returns:
        False also where there is no attention, or the outputs are the same whatever is given.

    Example:
        >>> import torch
        >>> body = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> is_blind_to_order(body, torch.randn(4, 6, 8), steps=1)
        True
    """
    import torch
    from torch.overrides import TorchFunctionMode

    from backtrack.watch.listening.tensors import tensors_in

    attends = any(type(module).__name__ == ATTENTION for module in twin.modules())

    class Heard(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal attends
            result = function(*args, **(kwargs or {}))
            name = getattr(function, "__name__", "")
            if name == "scaled_dot_product_attention":
                attends = True
            elif name == "softmax" and result.ndim > 2:
                attends = attends or result.shape[-1] == result.shape[-2] >= STEPS
            return result

    twin = twin.double().eval()
    given = given.double() if given.is_floating_point() else given
    axis, size = steps, 1
    if given.ndim == PICTURES:
        layer = patch_layer(twin)
        if layer is None:
            return False
        axis, size = 2, layer.kernel_size[0]
    count = given.shape[axis] // size
    # Of 0 1 2 3 4 the order 1 3 0 2 4: no turn, and no shift.
    order = torch.cat([torch.arange(1, count, 2), torch.arange(0, count, 2)])
    places = (order.unsqueeze(1) * size + torch.arange(size)).flatten()
    places = torch.cat([places, torch.arange(count * size, given.shape[axis])]).to(given.device)
    with torch.no_grad():
        with Heard():
            before = tensors_in(twin(given.clone()))
        after = tensors_in(twin(given.index_select(axis, places)))
    if not attends or len(before) != 1 or len(after) != 1 or before[0].shape != after[0].shape:
        return False
    one, other = before[0], after[0]
    scale = float((one - one.mean(dim=1 - steps, keepdim=True)).abs().max()) if one.ndim > 1 - steps else 0.0
    if scale <= DIFFERENCE * float(one.abs().max()):
        return False
    by_step = one.ndim > 1 and given.ndim != PICTURES and one.shape[:2] == given.shape[:2]
    same = [one, one.index_select(steps, places)] if by_step else [one]
    return any(float((each - other).abs().max()) <= DIFFERENCE * scale for each in same)
