"""What a net is judged by was scaled by its own mean and deviation, and not by those of the training set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backtrack.vocabulary.dataset_rows import columns_by_rows, first_rows
from backtrack.vocabulary.example_marks import ExampleMarks
from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Iterated, Pass

if TYPE_CHECKING:
    from torch import Tensor

# Examples that tell: with fewer, a mean may be 0 by chance. Of more numbers than these together none are looked at.
EXAMPLES, MOST = 32, 2_000_000
# How near to 0 a mean is, and to 1 a deviation, of what was scaled by itself; and to their values the least and the
# most. That a mean and a deviation come so near by chance happens to one feature of twenty thousand.
NEAR, VERY_NEAR = 1e-3, 1e-6
# Features whose least and most say something: those of which most values differ, as those of pixels do not.
FEATURES = 2


class ScaledByItself(Check):
    name = "scaled_by_itself"
    looks_at = (
        "the mean, deviation and range of each feature of all that a model is judged by, in the first passes without "
        "gradients that follow a step; and whether any of it is trained on"
    )
    cost = "four reductions a pass, in the first passes without gradients"
    source = "scikit-learn documentation, Common pitfalls: never call fit on the test data"
    expected = "inputs that are scaled by the mean and the deviation of the training set"
    remedy = (
        "fit what scales on the training inputs alone, and transform the others by it (transform, not fit_transform)"
    )
    # Two sets that are alike have one mean: then it does little harm.
    weight = UNUSUAL
    of_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._data: Any = None
        self._marks: ExampleMarks | None = None
        self._trained: set[int] = set()
        # Of what is judged: the place, what was measured, its marks.
        self._judged: list[tuple[str, str, set[int]]] = []

    def iterated(self, call: Iterated) -> None:
        self._data = call.data

    def passed(self, call: Pass) -> None:
        if not call.given.is_floating_point() or call.given.ndim < FEATURES or not len(call.given):
            return
        if call.gradients:
            # Of a whole set at once a part tells as much, and takes less memory.
            self._trained |= self._marks_of(call.given[: max(1, MOST // max(1, call.given[0].numel()))])
            return
        whole = self._whole(call.given)
        said = _scaled(whole.flatten(1).double()) if len(whole) >= EXAMPLES and whole.numel() <= MOST else ""
        if said:
            measured = f"of the {len(whole):,} inputs without gradients {said}"
            self._judged.append((call.place, measured, self._marks_of(whole)))

    def end(self) -> None:
        for place, measured, marks in self._judged:
            # All examples together, of which a part is trained on, have one scale.
            if self._trained and marks.isdisjoint(self._trained):
                self.finds(place, f"{measured}: they were scaled by themselves, and not as the training set")

    def _whole(self, given: Tensor) -> Tensor:
        """All examples that a loader goes through, where these are the first or the next of it; else those given."""
        for rows, columns in columns_by_rows(self._data).items():
            if rows <= len(given):
                continue
            for column in (one for one in columns if rows * given[0].numel() <= MOST):
                whole = first_rows(column, rows)
                if whole.shape[1:] == given.shape[1:] and self._marks_of(given[:1]) <= self._marks_of(whole):
                    return whole
        return given

    def _marks_of(self, rows: Tensor) -> set[int]:
        import torch

        if self._marks is None:
            self._marks = ExampleMarks(torch)
        return set(self._marks.of([rows]))


def _scaled(rows: Tensor) -> str:
    """What says that each feature of these rows was scaled by itself; empty where nothing does."""
    deviation = rows.std(0, correction=0)
    tell = rows[:, deviation > 0]
    if not tell.shape[1]:
        return ""
    mean, width = tell.mean(0), deviation[deviation > 0]
    ratio = (len(rows) / (len(rows) - 1)) ** 0.5
    if bool((mean.abs() < NEAR).all()) and any(bool(((width * one - 1).abs() < NEAR).all()) for one in (1.0, ratio)):
        return f"each of {tell.shape[1]} features has a mean of 0 and a deviation of 1"
    least, most = tell.amin(0), tell.amax(0)
    for low in (0.0, -1.0):
        near = ((least - low).abs() < VERY_NEAR) & ((most - 1).abs() < VERY_NEAR)
        # (What is drawn from a few numbers has these bounds of itself; each column is sorted to tell.)
        if bool(near.all()) and sum(2 * len(column.unique()) > len(column) for column in tell.T) >= FEATURES:
            return f"each of {tell.shape[1]} features reaches from {low:.0f} to 1"
    return ""
