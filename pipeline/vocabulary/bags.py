"""Where the lines of an `EmbeddingBag` begin, in one row of all their words."""

from __future__ import annotations

from typing import Any


def are_lengths(offsets: Any) -> bool:
    """Whether places where lines begin go back, as the lengths of the lines do.

    Args:
        offsets: (lines,) whole numbers, or what is none of it.

    Example:
        >>> import torch
        >>> are_lengths(torch.tensor([0, 7, 4])), are_lengths(torch.tensor([0, 7, 11])), are_lengths(None)
        (True, False, False)
    """
    if getattr(offsets, "ndim", 0) != 1 or offsets.is_floating_point():
        return False
    return bool((offsets[1:] < offsets[:-1]).any())
