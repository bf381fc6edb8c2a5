"""Where a model is narrowest: the layer that lets the fewest numbers of an example through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# So few numbers of an example, of so many times as many that came in, are worth a word.
FEW, TIMES = 4, 8


def narrowest(layers: Sequence[tuple[str, str, int]], given: int, result: int) -> dict[str, Any]:
    """The narrowest place of a pass, where what comes behind it is wider again.

    Args:
        layers: `(path, class, numbers of an example that come out)` in the order of their calls.
        given, result: numbers of an example that the model gets, and puts out.

    Returns:
        `{path, kind, numbers, of}`; empty where no place is so narrow.

    Example:
        >>> narrowest([("0", "AdaptiveAvgPool2d", 1), ("1", "Conv2d", 16), ("4", "Linear", 10)], 64, 10)
        {'path': '0', 'kind': 'AdaptiveAvgPool2d', 'numbers': 1, 'of': 64}
        >>> narrowest([("0", "Linear", 32), ("2", "Linear", 1)], 64, 1)
        {}
    """
    wider: int = result
    found: dict[str, Any] = {}
    # From the end: what is narrow and stays so, as an output of one number is, lets through what is asked.
    for path, kind, numbers in reversed(layers):
        narrow = numbers < wider and numbers <= FEW and TIMES * numbers <= given
        if narrow and numbers <= found.get("numbers", numbers):
            found = {"path": path, "kind": kind, "numbers": numbers, "of": given}
        wider = max(wider, numbers)
    return found
