"""Warnings of Python and torch that a training raises, with their place in the user's code."""

from __future__ import annotations

import builtins
from collections.abc import Callable

from backtrack.watch.checks import UNUSUAL, Finding
from backtrack.watch.listening.places import own_place

# Those about a library's future are nobody's fault; of the others so many are kept.
IGNORED = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning, ImportWarning)
MOST = 10


class Warned:
    """Keeps each warning once.

    Args:
        found: told of each.
        muted: whether what happens now is the watch's own.
    """

    def __init__(self, found: Callable[[Finding], None], muted: Callable[[], bool]) -> None:
        self._found, self._muted = found, muted
        self._kept: list[Finding] = []

    def __call__(self, category: str, message: str) -> str:
        """Takes a warning of this category, and returns its `file:line` in the user's code."""
        place = own_place()
        if not self._muted() and place and not issubclass(_category(category), IGNORED):
            said = message.strip().splitlines()[0][:300] if message.strip() else category
            finding = Finding(
                check="warning",
                place=place,
                measured=f"{category}: {said}",
                expected="no warnings",
                remedy="read the warning",
                weight=UNUSUAL,
            )
            if finding not in self._kept and len(self._kept) < MOST:
                self._kept.append(finding)
                self._found(finding)
        return place


def _category(name: str) -> type[Warning]:
    found = getattr(builtins, name, UserWarning)
    return found if isinstance(found, type) and issubclass(found, Warning) else UserWarning
