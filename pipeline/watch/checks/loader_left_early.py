"""The loop over a DataLoader ends after its first batches: a break that was left in it."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass

from backtrack.vocabulary.dataset_rows import columns_by_rows, length_of
from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Iterated

# Batches that a DataLoader must have, loops over it that must end so, and the share of its batches that they may see.
BATCHES, LOOPS, HALF = 4, 3, 0.5
# Orders a DataLoader's examples as they stand: each loop that ends early sees the same ones.
AS_THEY_STAND = "SequentialSampler"


@dataclass
class _Loop:
    """A loop over a DataLoader: it, and the passes and examples that had trained before it."""

    call: Iterated
    passes: int
    examples: int


class LoaderLeftEarly(Check):
    name = "loader_left_early"
    looks_at = "how many examples train between the start of one loop over a DataLoader and that of the next"
    cost = "nothing"
    source = "Karpathy, A Recipe for Training Neural Networks (2019): overfit one batch; what is left of it in a loop"
    expected = "a loop over the DataLoader goes through all of its batches"
    remedy = "take the break out of the loop over the DataLoader"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._loop: _Loop | None = None
        # Of each place: the training passes of each of its loops, and whether they were one batch and no more.
        self._short: dict[str, list[tuple[int, bool]]] = {}
        self._calls: dict[str, Iterated] = {}

    def iterated(self, call: Iterated) -> None:
        self._close()
        self._loop = _Loop(call, *self._trained())

    def end(self) -> None:
        self._close()
        passes, _ = self._trained()
        for place, short in self._short.items():
            call = self._calls[place]
            # `next(iter(loader))` takes a batch on purpose.
            chosen = "iter(" in linecache.getline(*_file_and_line(place))
            if len(short) < LOOPS or chosen or self.heard.acts:
                continue
            said = f"each of {len(short)} loops over a DataLoader of {call.batches} batches ends after"
            seen = {number for number, _ in short}
            if all(one for _, one in short) and passes < call.batches:
                self.finds(place, f"{said} its first one")
            elif len(seen) == 1 and 1 < max(seen) <= HALF * call.batches and _are_the_same(call):
                self.finds(place, f"{said} the first {max(seen)}, which are the same each time")

    def _trained(self) -> tuple[int, int]:
        """Passes with gradients of all models, and their examples, so far."""
        kept = [one for model in self.heard.models for (gradients, _), one in model.passes.items() if gradients]
        return sum(one.number for one in kept), sum(one.examples for one in kept)

    def _close(self) -> None:
        if self._loop is None:
            return
        call, (passes, examples) = self._loop.call, self._trained()
        passes, examples = passes - self._loop.passes, examples - self._loop.examples
        self._loop = None
        if passes and call.batches >= BATCHES and call.place:
            self._calls[call.place] = call
            self._short.setdefault(call.place, []).append((passes, passes == 1 and examples <= call.size))


def _are_the_same(call: Iterated) -> bool:
    """Whether a DataLoader gives rows that are kept somewhere, in the order in which they stand; none drawn anew."""
    kept = getattr(call.data, "dataset", call.data)
    return call.order == AS_THEY_STAND and length_of(kept) in columns_by_rows(kept)


def _file_and_line(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)
