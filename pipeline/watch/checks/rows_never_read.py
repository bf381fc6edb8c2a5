"""A dataset holds many rows, and its length says that there are few: the others are never read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.dataset_rows import first_rows, rows_beyond
from backtrack.vocabulary.example_marks import ExampleMarks
from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Iterated, Pass

# Examples that must be seen, and how many times as many the dataset must hold as its length says.
EXAMPLES, TIMES = 8, 4


class RowsNeverRead(Check):
    name = "rows_never_read"
    looks_at = (
        "whether the examples of the first training passes are all among the first rows that a DataLoader's dataset "
        "holds, as many as its length says, where it holds four times as many"
    )
    cost = "a random projection of the first inputs, where a dataset's length is so short"
    source = "PyTorch documentation of torch.utils.data.Dataset: __len__ returns the size of the dataset"
    expected = "a dataset's length is the number of its rows"
    remedy = "let __len__ return how many rows there are"
    # Somebody may want few.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # The first dataset that is trained on, if its length is so short: the place, that length, its columns.
        self._short: tuple[str, int, list[Any]] | None = None
        self._begun = False
        self._seen: list[tuple[bool, int]] = []
        self._marks: ExampleMarks | None = None

    def iterated(self, call: Iterated) -> None:
        if self._begun:
            return
        self._begun = True
        beyond = rows_beyond(call.data)
        if beyond is not None and len(beyond[1][0]) >= TIMES * beyond[0]:
            self._short = (call.place, *beyond)

    def passed(self, call: Pass) -> None:
        if self._short is not None and call.gradients and call.given.ndim:
            _, length, columns = self._short
            self._seen.append((self._are_first(call.given, columns, length), len(call.given)))

    def end(self) -> None:
        if self._short is None or sum(examples for _, examples in self._seen) < EXAMPLES:
            return
        place, length, columns = self._short
        if all(first for first, _ in self._seen):
            self.finds(
                place,
                f"the dataset says that it has {length} examples, and holds {len(columns[0]):,} rows: those behind the "
                f"first {length} are never read",
            )

    def _are_first(self, given: Any, columns: list[Any], length: int) -> bool:
        """Whether all examples are among the first rows of a column."""
        import torch

        if self._marks is None:
            self._marks = ExampleMarks(torch)
        seen = set(self._marks.of([given]))
        for column in columns:
            rows = first_rows(column, length)
            if rows[0].numel() == given[0].numel() and seen <= set(self._marks.of([rows.to("cpu", given.dtype)])):
                return True
        return False
