"""Shapes of tensors that broadcast where they should not."""

from __future__ import annotations

from typing import Any


def is_square(left: Any, right: Any) -> bool:
    """Whether a column (n, 1) meets a vector (n,), one of them with a gradient and the other without.

    Their difference is (n, n), and so is their product.

    Args:
        left, right: tensors that are about to be compared.
    """
    if left.ndim + right.ndim != 3 or left.requires_grad == right.requires_grad:
        return False
    column, vector = (left, right) if left.ndim == 2 else (right, left)
    return bool(tuple(column.shape) == (len(vector), 1) and len(vector) > 1)
