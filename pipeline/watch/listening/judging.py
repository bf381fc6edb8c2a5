"""What is compared while a model is judged: from one of its passes without gradients to the next step."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import DIFFERENCES, EQUALITIES, compares_all, owners_of
from backtrack.watch.checks.moments import Compared
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.standing_back import Undo, replace

# Functions that take the size of a difference.
SIZES = ("abs", "square", "pow", "__pow__")
# Times that a model is judged of which all is heard: an agent acts without gradients before each step.
MOST = 12


class Judging:
    """Hears comparisons, only while a model is judged: none of this is there while it trains.

    Scores of all pairs are subtracted where they are ranked, and only their sign is asked: a difference is told once
    somebody takes its size. Scores that are equal are asked for as well: only whole numbers are labels.

    Args:
        torch: the module.
        told: hears of tensors that are compared all with all.
    """

    def __init__(self, torch: Any, told: Callable[[Compared], None]) -> None:
        self._torch, self._told = torch, told
        self._undo: list[Undo] = []
        self._times = 0
        # The last difference of all with all, and what it was of.
        self._last: tuple[weakref.ref[Any], Compared] | None = None

    def begin(self) -> None:
        """Begins it, or goes on: a model has passed without gradients."""
        if self._undo or self._times >= MOST:
            return
        self._times += 1
        for names, wrap in ((EQUALITIES, self._equal), (DIFFERENCES, self._subtracted), (SIZES, self._sized)):
            self._undo += [
                replace(owner, name, wrap(getattr(owner, name))) for owner, name in owners_of(self._torch, names)
            ]

    def end(self) -> None:
        """Ends it: the training goes on, or is over."""
        if not self._undo:
            return
        for undo in reversed(self._undo):
            undo()
        self._undo, self._last = [], None

    def _equal(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def hear(arguments: tuple[Any, ...], result: Any) -> None:
            seen = self._all_with_all(arguments, result)
            if seen is not None and all(_are_whole(one) for one in arguments[:2]):
                self._told(seen)

        return self._around(own, hear)

    def _subtracted(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def hear(arguments: tuple[Any, ...], result: Any) -> None:
            seen = self._all_with_all(arguments, result)
            if seen is not None:
                self._last = weakref.ref(result), seen

        return self._around(own, hear)

    def _sized(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def hear(arguments: tuple[Any, ...], result: Any) -> None:
            if self._last is not None and arguments and self._last[0]() is arguments[0]:
                self._told(self._last[1])

        return self._around(own, hear)

    def _around(self, own: Callable[..., Any], hear: Callable[[tuple[Any, ...], Any], None]) -> Callable[..., Any]:
        @functools.wraps(own)
        def call(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            hear(arguments, result)
            return result

        return call

    def _all_with_all(self, arguments: tuple[Any, ...], result: Any) -> Compared | None:
        if len(arguments) < 2 or self._torch.is_grad_enabled() or not compares_all(*arguments[:2]):
            return None
        # An intervention may have brought them to one shape meanwhile.
        if result.shape[-1] == 1 or not is_called_by_own():
            return None
        left, right = arguments[:2]
        return Compared(tuple(left.shape), tuple(right.shape), own_place())


def _are_whole(values: Any) -> bool:
    """Whether these are labels: whole numbers, or yes and no."""
    return not values.is_floating_point() or bool((values == values.round()).all())
