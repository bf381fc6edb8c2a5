"""What the watch itself does with a model (copies that it asks, norms that it takes) is no part of the training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
