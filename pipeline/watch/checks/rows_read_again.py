"""A dataset gives the same few rows under all of its indexes, though it holds many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.dataset_rows import columns_by_rows, first_rows, length_of
from backtrack.vocabulary.example_marks import ExampleMarks
from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Iterated, Pass

# Examples of the first loop that must be seen, how often each comes in them, and rows that are compared.
EXAMPLES, TIMES, MOST = 32, 4, 10_000


class RowsReadAgain(Check):
    name = "rows_read_again"
    looks_at = (
        "of the examples in the first loop over a DataLoader, how many differ, and whether they are rows that its "
        "dataset holds, where it has as many examples as rows"
    )
    cost = "a random projection of the first inputs, and of the rows of one column"
    source = "PyTorch documentation of torch.utils.data.Dataset: __getitem__ fetches a sample for a given key"
    expected = "another row for each index"
    remedy = "let __getitem__ return the row of the index that it is given"
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of the first loop: its place, and the columns of as many rows as the dataset has examples.
        self._place = ""
        self._columns: list[Any] = []
        self._loops = 0
        # Marks of its examples, and a batch's first example.
        self._seen: list[int] = []
        self._like: Any = None
        self._marks: ExampleMarks | None = None

    def iterated(self, call: Iterated) -> None:
        self._loops += 1
        # Torch's own datasets give the rows that they are asked for.
        if self._loops == 1 and not type(call.data).__module__.startswith("torch."):
            self._place, self._columns = call.place, columns_by_rows(call.data).get(length_of(call.data), [])

    def passed(self, call: Pass) -> None:
        if self._columns and self._loops == 1 and call.gradients and call.given.ndim:
            import torch

            self._marks = self._marks or ExampleMarks(torch)
            self._seen += self._marks.of([call.given])
            self._like = call.given[:1].detach().clone()

    def end(self) -> None:
        seen = self._seen
        if self._marks is None or len(seen) < EXAMPLES or len(set(seen)) * TIMES > len(seen):
            return
        for column in self._columns:
            rows = first_rows(column, MOST)
            if rows[0].numel() != self._like.numel():
                continue
            held = set(self._marks.of([rows.to("cpu", self._like.dtype)]))
            # A column of few values, as of labels, has no more to give.
            if set(seen) <= held and len(held) * 2 >= len(rows):
                self.finds(
                    self._place,
                    f"the dataset holds {len(column):,} rows, and of the first {len(seen)} examples of one loop only "
                    f"{len(set(seen))} are different",
                )
                return
