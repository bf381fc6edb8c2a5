"""Rows of outputs and of targets: whether both were flattened in one order of their axes."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

# Tensors that are remembered at once.
MOST = 64


class Flattened:
    """Remembers which shape a tensor had before it was flattened.

    Example:
        >>> import torch
        >>> kept, rows = Flattened(), torch.zeros(3, 5, 2)
        >>> outputs, targets = rows.reshape(-1, 2), torch.zeros(5, 3).reshape(-1)
        >>> kept.note(outputs, (3, 5, 2)), kept.note(targets, (5, 3)), kept.apart(outputs, targets)
        (None, None, ((3, 5), (5, 3)))
    """

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[Any, tuple[int, ...]]] = OrderedDict()

    def note(self, result: Any, before: Sequence[int]) -> None:
        """Takes in a tensor that a view, reshape or flatten gave, and the shape before it."""
        if result.ndim and len(before) > result.ndim:
            self._known[id(result)] = (weakref.ref(result), tuple(before))
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def _joined(self, tensor: Any) -> tuple[int, ...]:
        """The sizes of the axes that became a tensor's rows; empty where that is not known."""
        kept, before = self._known.get(id(tensor), (lambda: None, ()))
        if kept() is not tensor:
            return ()
        rest = tensor.ndim - 1
        joined = before[: len(before) - rest]
        return joined if tuple(before[len(before) - rest :]) == tuple(tensor.shape[1:]) else ()

    def apart(self, output: Any, target: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The two axes that became the rows of each, where they stand in opposite orders; None where they do not.

        Axes of one size cannot be told from each other.
        """
        own, others = self._joined(output), self._joined(target)
        reverse = len(own) == len(others) == 2 and own == others[::-1] and own != others and 1 not in own
        return (own, others) if reverse else None
