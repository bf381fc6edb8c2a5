"""An embedding takes a word for the padding: its vector is zero, and never learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Inner

if TYPE_CHECKING:
    from torch import Tensor

# Lines that must hold the word, and lines that must end with what the padding is.
LINES = 8
# Ids that are looked at, and calls of an embedding, at most.
IDS, CALLS = 100_000, 6


class PaddingIndex(Check):
    name = "padding_index"
    looks_at = (
        "the ids that an embedding gets in the first steps: whether the one that it takes for padding stands between "
        "words, and another one ends the lines"
    )
    cost = "a comparison of the ids, in the first steps"
    source = "PyTorch documentation of nn.Embedding and nn.EmbeddingBag: padding_idx"
    expected = "padding_idx is the id that fills the lines up"
    remedy = "give padding_idx the id of the padding"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._calls: dict[int, int] = {}
        # Of each embedding: lines with the word between others, and lines that end with each id, twice or more.
        self._between: dict[int, int] = {}
        self._ends: dict[int, dict[int, int]] = {}

    def inner(self, call: Inner) -> None:
        index, key = getattr(call.module, "padding_idx", None), id(call.module)
        ids = call.inputs[0].detach() if call.inputs else None
        if index is None or ids is None or ids.ndim != 2 or ids.is_floating_point() or not call.gradients:
            return
        if ids.shape[1] < 3 or ids.numel() > IDS or self._calls.get(key, 0) >= CALLS:
            return
        self._calls[key] = self._calls.get(key, 0) + 1
        if _fills_up(ids, index):
            # It is the padding of some line.
            self._calls[key] = CALLS
            return
        between = (ids[:, 1:-1] == index).any(1)
        self._between[key] = self._between.get(key, 0) + int(between.sum())
        ends = self._ends.setdefault(key, {})
        for last in ids[:, -1][ids[:, -1] == ids[:, -2]].tolist():
            ends[last] = ends.get(last, 0) + 1
        padding, lines = max(ends.items(), key=lambda one: one[1], default=(index, 0))
        # One id ends nearly all lines that end with one id twice: what a word does by chance.
        if self._between[key] >= LINES and lines >= LINES and lines * 10 >= 9 * sum(ends.values()):
            self.finds(
                call.place,
                f"its padding_idx is {index}, which stands between the words of {self._between[key]} lines and is "
                f"left out or never learnt, while {padding} fills up {lines} lines",
                remedy=f"padding_idx={padding}",
            )


def _fills_up(ids: Tensor, index: int) -> bool:
    """Whether an id stands twice in a row at an end of a line."""
    is_it = ids == index
    return bool((is_it[:, -1] & is_it[:, -2]).any() or (is_it[:, 0] & is_it[:, 1]).any())
