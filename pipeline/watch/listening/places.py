"""Which line of the user's code is at work."""

from __future__ import annotations

import sys
from functools import cache

from backtrack.vocabulary.places import is_own


def own_place() -> str:
    """`file:line` of the innermost frame in the user's own files; empty where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if _own(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


@cache
def _own(file: str) -> bool:
    return is_own(file)
