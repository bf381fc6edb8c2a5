"""What the watch itself does with a model (copies that it asks, norms that it takes) is no part of the training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from backtrack.watch.listening.standing_back import eagerly, has_compiled

# How many such blocks are on.
_on = 0


def is_on() -> bool:
    """Whether the watch is at work now."""
    return _on > 0


@contextmanager
def unheard() -> Iterator[None]:
    """What happens inside is the watch's own."""
    global _on
    _on += 1
    try:
        yield
    finally:
        _on -= 1


class OwnWork:
    """Blocks of the watch's own work: unheard, without gradients, and nothing is compiled for them.

    One object serves all of a listener's blocks, which do not nest: a training enters one at each of the moments that
    are told, and making three context managers anew each time was a tenth of what listening costs.

    Args:
        torch: the module.

    Example:
        >>> import torch
        >>> with OwnWork(torch):
        ...     print(is_on(), torch.is_grad_enabled())
        True False
        >>> is_on(), torch.is_grad_enabled()
        (False, True)
    """

    def __init__(self, torch: Any) -> None:
        # Whether one of this object's is on.
        self.is_on = False
        self._torch = torch
        self._without_gradients = torch.no_grad()
        self._eagerly: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        global _on
        _on += 1
        self.is_on = True
        self._without_gradients.__enter__()
        if has_compiled():
            self._eagerly = eagerly(self._torch)
            self._eagerly.__enter__()

    def __exit__(self, *fault: Any) -> None:
        global _on
        _on -= 1
        self._without_gradients.__exit__(*fault)
        stance, self._eagerly = self._eagerly, None
        if stance is not None:
            stance.__exit__(*fault)
        self.is_on = False
