"""Numbers that are probabilities already, and the distributions that take their scores instead."""

from __future__ import annotations

from typing import Any

# Of torch's distributions those of (probs, logits).
OF_LOGITS = ("Categorical", "OneHotCategorical", "Bernoulli")
# The error of a sum of probabilities.
ERROR = 1e-3


def are_probabilities(output: Any, axis: int = 1) -> bool:
    """Whether numbers sum to 1 along an axis, and none is negative.

    Example:
        >>> import torch
        >>> are_probabilities(torch.tensor([[0.5, 0.5]])), are_probabilities(torch.tensor([[2.0, -1.0]]))
        (True, False)
    """
    return bool((output >= 0).all()) and bool(((output.float().sum(axis) - 1).abs() < ERROR).all())
