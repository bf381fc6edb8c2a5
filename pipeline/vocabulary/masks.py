"""Masks of attention: which keys of which example take no part, whichever way a function says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backtrack.vocabulary.places import is_called_by_own

if TYPE_CHECKING:
    from torch import Tensor

# Scores from here on are those of nothing; so are those that lie so far below the highest of their row.
LEFT_OUT, BELOW = -1e4, 20.0


class _Where(NamedTuple):
    """Where a function has its mask: among its arguments (by name alone where -1), and what a True in it says."""

    place: int
    name: str
    leaves_out: bool


# torch's own functions, by name; a score that is filled with a very small number is left out.
MASKS = {
    "multi_head_attention_forward": _Where(-1, "key_padding_mask", leaves_out=True),
    "scaled_dot_product_attention": _Where(3, "attn_mask", leaves_out=False),
    "masked_fill": _Where(1, "mask", leaves_out=True),
    "masked_fill_": _Where(1, "mask", leaves_out=True),
}


def mask_of(name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The mask of a call, as it was given; None where it has none that speaks of each example.

    Args:
        name: of `MASKS`.
        arguments: of the call, by place.
        options: of the call, by name.
    """
    where = MASKS[name]
    mask = arguments[where.place] if 0 <= where.place < len(arguments) else options.get(where.name)
    if where.place >= 0 and arguments and getattr(mask, "ndim", 0) < arguments[0].ndim:
        # One of fewer axes than the scores is one for all examples.
        return None
    if name.startswith("masked_fill"):
        value = arguments[2] if len(arguments) > 2 else options.get("value", 0.0)
        # (What torch fills on its way is no mask that anybody wrote.)
        if not isinstance(value, (int, float)) or value > LEFT_OUT or not is_called_by_own():
            return None
    return mask


def left_out(name: str, mask: Any) -> Tensor | None:
    """Which keys of an example take no part for any of its queries.

    Args:
        name: of the function, of `MASKS`.
        mask: (examples, …, keys), (examples, keys, 1) or (examples, keys); of bits, or of what is added to scores.

    Returns:
        (examples, keys) bits; None where there are none, or they differ from query to query, as what comes later does.

    Example:
        >>> import torch
        >>> left_out("scaled_dot_product_attention", torch.tensor([[[[True, False]]], [[[True, True]]]])).tolist()
        [[False, True], [False, False]]
        >>> left_out("multi_head_attention_forward", torch.tensor([[0.0, 30.0]])).tolist()
        [[True, False]]
        >>> left_out("masked_fill", torch.ones(1, 3, 3).triu(1).bool()) is None
        True
    """
    if getattr(mask, "ndim", 0) < 2:
        return None
    if mask.is_floating_point():
        bits = _far_below(mask.detach())
    else:
        bits = mask.detach().bool() if MASKS[name].leaves_out else ~mask.detach().bool()
    bits = bits[..., 0] if bits.ndim == 3 and bits.shape[-1] == 1 else bits
    try:
        while bits.ndim > 2:
            if not bool((bits == bits[:, :1]).all()):
                return None
            bits = bits[:, 0]
        return bits if bool(bits.any()) else None
    except RuntimeError:
        # Inside of a `vmap` nobody may ask for a number.
        return None


def _far_below(scores: Any) -> Any:
    """Which of the numbers that are added to scores leave nothing of theirs."""
    return (scores <= LEFT_OUT) | (scores < scores.amax(-1, keepdim=True) - BELOW)


def largest_score(scores: Tensor) -> float:
    """The largest of scores that are not left out, without its sign; infinity where there is none.

    Args:
        scores: of any shape.

    Example:
        >>> import torch
        >>> largest_score(torch.tensor([0.5, -0.75, -1e9]))
        0.75
    """
    found = scores.detach()
    found = found[found > LEFT_OUT].abs()
    return float(found.max()) if found.numel() else float("inf")


def turned(name: str, mask: Any) -> Any:
    """The mask the other way round: what took no part does, and what did takes none. Others are as they were.

    An example of which nothing would be left keeps its own.

    Example:
        >>> import torch
        >>> turned("masked_fill", torch.tensor([[True, False], [False, False]])).tolist()
        [[False, True], [False, False]]
    """
    out = left_out(name, mask)
    if out is None:
        return mask
    stays = (~out).all(1).view(-1, *[1] * (mask.ndim - 1))
    if mask.is_floating_point():
        other = mask.new_zeros(mask.shape).masked_fill(~_far_below(mask), -float("inf"))
    else:
        other = (~mask.bool()).to(mask.dtype)
    return other.where(~stays, mask)
