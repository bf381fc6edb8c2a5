"""Every step trains on the same few examples, though the program loads more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, Heard, Pass

# Passes that must be alike, steps that a training must have, and numbers of a batch that are compared.
ALIKE, STEPS, MOST = 4, 8, 1_000_000


class SameExamples(Check):
    name = "same_examples"
    looks_at = "whether a model's first training passes have the same inputs, while a DataLoader has several batches"
    cost = "the first batch is kept, and compared with three others"
    source = "PyTorch forum: next(iter(loader)) in a loop; UMLAUT"
    expected = "other examples in each step"
    remedy = "take the batches from the loader, one after another: for x, y in loader"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._first: dict[int, Any] = {}
        self._alike: dict[int, int] = {}
        self._places: dict[int, str] = {}

    def passed(self, call: Pass) -> None:
        key, given = id(call.model), call.given
        if not call.gradients or given.ndim < 1 or given.numel() > MOST or given.requires_grad:
            return
        if key not in self._first:
            self._first[key], self._places[key] = given.detach().clone(), call.place
        same = self._first[key].shape == given.shape and bool((self._first[key] == given).all())
        # One that differs ends it.
        self._alike[key] = self._alike.get(key, 0) + 1 if same else -ALIKE

    def end(self) -> None:
        several = [batches for _, batches, _ in self.heard.loaders.values() if batches > 1]
        if not several or self.heard.steps < STEPS or self.heard.acts:
            return
        for key, alike in self._alike.items():
            if alike >= ALIKE:
                self.finds(
                    self._places[key],
                    f"every step trains on the same {len(self._first[key])} examples, though the DataLoader has "
                    f"{max(several)} batches",
                )
                return
