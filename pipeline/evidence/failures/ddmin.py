"""Delta debugging: the smallest part of a difference that still makes the training fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def ddmin(parts: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """A 1-minimal subset of `parts` for which `fails` holds: without any one of its members it does not.

    Zeller & Hildebrandt (2002): try subsets of growing granularity, then their complements; go on from any that fails.

    Args:
        parts: for all of them `fails` holds (not asked again).
        fails: the test; called with subsets in the order of `parts`.
    """
    current = list(parts)
    pieces = 2
    while len(current) > 1:
        size = -(-len(current) // pieces)
        chunks = [current[start : start + size] for start in range(0, len(current), size)]
        smaller = next((chunk for chunk in chunks if fails(chunk)), None)
        if smaller is not None:
            current, pieces = smaller, 2
            continue
        if len(chunks) > 2:
            rest = [[part for part in current if part not in chunk] for chunk in chunks]
            smaller = next((complement for complement in rest if fails(complement)), None)
            if smaller is not None:
                current, pieces = smaller, max(2, pieces - 1)
                continue
        if size == 1:
            break
        pieces = min(len(current), 2 * pieces)
    return current
