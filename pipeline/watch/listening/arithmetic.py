"""Differences and products of outputs and targets that become a square: seen in the first steps of a loss by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode

from backtrack.vocabulary.shapes import is_square

DIFFERENCES = {torch.sub, torch.Tensor.sub, torch.Tensor.__sub__, torch.Tensor.__rsub__, torch.subtract, torch.rsub}
PRODUCTS = {torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__, torch.multiply}

Told = Callable[[tuple[int, ...], tuple[int, ...], tuple[int, ...]], None]


class Arithmetic(TorchFunctionMode):
    """Calls `told(left, right, result)` with the shapes of such differences and products.

    Args:
        told: hears of them.
    """

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if (func in DIFFERENCES or func in PRODUCTS) and len(args) > 1:
            left, right = args[0], args[1]
            if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor) and is_square(left, right):
                self._told(tuple(left.shape), tuple(right.shape), tuple(result.shape))
        return result

    def end(self) -> bool:
        """Ends it where nothing else was begun inside it; says whether it has ended."""
        if _get_current_function_mode() is not self:
            return False
        self.__exit__(None, None, None)
        return True
