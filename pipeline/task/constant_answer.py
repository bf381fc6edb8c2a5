"""The best answer of a classifier that ignores its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def log_prior(targets: Tensor, like: Tensor) -> Tensor:
    """The log share of each class in `targets`, repeated like `like`.

    Args:
        targets: (N,) integer classes of the training set.
        like: (M, C) logits.

    Returns:
        (M, C), of the type and on the device of `like`.

    Example:
        >>> import torch
        >>> log_prior(torch.tensor([0, 0, 1, 1]), torch.zeros(1, 2)).exp().tolist()
        [[0.5, 0.5]]
    """
    import torch

    counts = torch.bincount(targets.flatten(), minlength=like.shape[1]).to(like)
    # A class that never occurs in training gets half a count, so that its log stays finite.
    shares = counts.clamp(min=0.5) / counts.sum()
    return shares.log().expand_as(like)
