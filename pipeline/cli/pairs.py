"""`NAME=VALUE` options."""

from __future__ import annotations

from typing import Any

from backtrack.errors import TaskError


def pairs_from(option: str, given: list[str] | None, example: str) -> dict[str, Any]:
    """`NAME=VALUE` as a dict.

    Args:
        option: that it was given with.
        given: what was given; None for nothing.
        example: of one that would do.

    Raises:
        TaskError: for one of another form.
    """
    pairs: dict[str, Any] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise TaskError(f"{option} {one}: expected NAME=VALUE, such as {option} {example}")
        pairs[name.strip()] = value.strip()
    return pairs
