"""What is compared while a model is judged: from one of its passes without gradients to the next step."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from backtrack.vocabulary.largest import LARGEST, asked_of_one, dimension_of
from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import DIFFERENCES, EQUALITIES, compares_all, owners_of, shares_memory
from backtrack.watch.checks.moments import Compared, Largest, Matched, Unequal
from backtrack.watch.listening.places import own_place
from backtrack.watch.listening.standing_back import Undo, replace
from backtrack.watch.listening.tensors import tensors_in

# Functions that take the size of a difference.
SIZES = ("abs", "square", "pow", "__pow__")
# Times that a model is judged of which all is heard: an agent acts without gradients before each step.
MOST = 12
# So many comparisons are asked for their values, of at least so many numbers.
MOST_ASKED, SEVERAL = 24, 8


class Judging:
    """Hears comparisons, only while a model is judged: none of this is there while it trains.

    Scores of all pairs are subtracted where they are ranked, and only their sign is asked: a difference is told once
    somebody takes its size. Scores that are equal are asked for as well: only whole numbers are labels.

    Args:
        torch: the module.
        tell: hears `("compared", call)` of tensors that are compared all with all, `("unequal", call)` of numbers that
            equal no label, `("matched", call)` of labels, and `("largest", call)` of the largest of one.
    """

    def __init__(self, torch: Any, tell: Callable[[str, Any], None]) -> None:
        # Whether a model is judged, one of the first times.
        self.is_on = False
        self._torch, self._tell = torch, tell
        self._undo: list[Undo] = []
        self._times, self._asked = 0, 0
        # What the model returned last.
        self._outputs: Sequence[Any] = ()
        # Which of how many numbers were the largest, when that was asked last.
        self._chosen: tuple[Any, int] | None = None
        # The last difference of all with all, and what it was of.
        self._last: tuple[weakref.ref[Any], Compared] | None = None

    def begin(self, result: Any) -> None:
        """Begins it, or goes on: a model has passed without gradients, and returned this."""
        if not self.is_on and self._times >= MOST:
            return
        self._outputs = tensors_in(result)
        if self.is_on:
            return
        self.is_on = True
        self._times += 1
        for names, wrap in ((EQUALITIES, self._equal), (DIFFERENCES, self._subtracted), (SIZES, self._sized)):
            self._undo += [
                replace(owner, name, wrap(getattr(owner, name))) for owner, name in owners_of(self._torch, names)
            ]
        self._undo += [
            replace(owner, name, self._largest(name, getattr(owner, name)))
            for owner, name in owners_of(self._torch, LARGEST)
        ]

    def end(self) -> None:
        """Ends it: the training goes on, or is over."""
        self.is_on = False
        for undo in reversed(self._undo):
            undo()
        self._undo, self._last, self._outputs, self._chosen = [], None, (), None

    def _equal(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def hear(arguments: tuple[Any, ...], result: Any) -> None:
            seen = self._all_with_all(arguments, result)
            if seen is not None and all(_are_whole(one) for one in arguments[:2]):
                self._tell("compared", seen)
            elif seen is None and len(arguments) > 1:
                self._match(*arguments[:2])
                if self._asked < MOST_ASKED:
                    self._ask(*arguments[:2])

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
                self._tell("compared", self._last[1])

        return self._around(own, hear)

    def _largest(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def call(*arguments: Any, **options: Any) -> Any:
            one = asked_of_one(arguments, options)
            asked = one is not None and not self._torch.is_grad_enabled() and is_called_by_own()
            # The values of max may be all that is wanted: of outputs, they are those very outputs. Scores of a search
            # that keeps one line have another shape than these.
            if asked and self._is_of_outputs(arguments[0], itself=name == "max"):
                self._tell("largest", Largest(name, arguments[0], own_place()))
            result = own(*arguments, **options)
            # Of several numbers max gives the values, and which they were.
            chosen = result[1] if isinstance(result, tuple) else result
            dim = dimension_of(arguments, options)
            several = bool(arguments) and getattr(arguments[0], "ndim", 0) > 0
            if several and dim is not None and not getattr(chosen, "is_floating_point", lambda: True)():
                self._chosen = chosen, arguments[0].shape[dim]
            return result

        return call

    def _is_of_outputs(self, given: Any, itself: bool) -> bool:
        """Whether a tensor has the shape of what the model returned last; with `itself`, whether it is that."""
        alike = [one for one in self._outputs if one.shape == given.shape]
        return shares_memory(given, alike) if itself else bool(alike)

    def _around(self, own: Callable[..., Any], hear: Callable[[tuple[Any, ...], Any], None]) -> Callable[..., Any]:
        @functools.wraps(own)
        def call(*arguments: Any, **options: Any) -> Any:
            result = own(*arguments, **options)
            hear(arguments, result)
            return result

        return call

    def _match(self, left: Any, right: Any) -> None:
        """Tells of labels that what was chosen last is compared with."""
        if self._chosen is None or not all(isinstance(one, self._torch.Tensor) for one in (left, right)):
            return
        if left.shape != right.shape or not left.ndim or self._torch.is_grad_enabled() or not is_called_by_own():
            return
        for chosen, labels in ((left, right), (right, left)):
            whole = not labels.is_floating_point() and labels.dtype != self._torch.bool
            if whole and shares_memory(chosen, self._chosen[:1]):
                self._tell("matched", Matched(labels, self._chosen[1], own_place()))
                return

    def _ask(self, left: Any, right: Any) -> None:
        """Tells of numbers and labels that never are equal."""
        several = all(isinstance(one, self._torch.Tensor) and one.numel() >= SEVERAL for one in (left, right))
        if not several or self._torch.is_grad_enabled() or not is_called_by_own():
            return
        self._asked += 1
        for numbers, labels in ((left, right), (right, left)):
            if _can_never_equal(numbers, labels):
                self._tell("unequal", Unequal(float(numbers.flatten()[0]), float(labels.flatten()[0]), own_place()))
                return

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


def _can_never_equal(numbers: Any, labels: Any) -> bool:
    """Whether no number is whole and all labels are; whether numbers equal their own rounded ones is another question.

    (Nothing is compared here by what this module hears.)
    """
    if not numbers.is_floating_point() or not bool((numbers.isfinite() & numbers.frac().bool()).all()):
        return False
    if labels.is_floating_point() and bool(labels.frac().bool().any()):
        return False
    rounded = (numbers.round(), numbers.floor(), numbers.ceil(), numbers.trunc())
    return float(labels.max()) > float(labels.min()) and not any(labels.equal(one) for one in rounded)
