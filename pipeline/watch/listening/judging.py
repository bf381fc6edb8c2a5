"""What is compared while a model is judged: from one of its passes without gradients to the next step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import compares_all
from backtrack.watch.checks.moments import Compared
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.standing_back import Undo, replace

# What compares two tensors number by number, by the name that is told.
METHODS = {"__eq__": "eq", "eq": "eq", "__ne__": "ne", "ne": "ne", "__sub__": "sub", "__rsub__": "sub", "sub": "sub"}
FUNCTIONS = ("eq", "ne", "sub")
# Times that a model is judged of which all is heard: an agent acts without gradients before each step.
MOST = 12


class Judging:
    """Hears comparisons, only while a model is judged: none of this is there while it trains.

    Args:
        torch: the module.
        told: hears of tensors that are compared all with all.
    """

    def __init__(self, torch: Any, told: Callable[[Compared], None]) -> None:
        self._torch, self._told = torch, told
        self._undo: list[Undo] = []
        self._times = 0
        # The shape of what the model gave last.
        self._output: tuple[int, ...] = ()

    def begin(self, output: Any) -> None:
        """Begins it, or goes on: a model has given `output`, a tensor or several, without gradients."""
        torch = self._torch
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if isinstance(first, torch.Tensor):
            self._output = tuple(first.shape)
        if not self._undo and self._times < MOST:
            self._times += 1
            owners = [(torch.Tensor, name, short) for name, short in METHODS.items()]
            owners += [(torch, name, name) for name in FUNCTIONS]
            self._undo = [replace(owner, name, self._wrapped(getattr(owner, name), as_)) for owner, name, as_ in owners]

    def end(self) -> None:
        """Ends it: the training goes on, or is over."""
        for undo in reversed(self._undo):
            undo()
        self._undo = []

    def _wrapped(self, own: Callable[..., Any], name: str) -> Callable[..., Any]:
        enabled = self._torch.is_grad_enabled

        @functools.wraps(own)
        def compare(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            if (
                len(arguments) > 1
                and not enabled()
                and compares_all(*arguments[:2])
                # An intervention may have brought them to one shape meanwhile.
                and result.shape[-1] > 1
                and is_called_by_own()
            ):
                left, right = (tuple(one.shape) for one in arguments[:2])
                self._told(Compared(name, left, right, self._output, own_place()))
            return result

        return compare
