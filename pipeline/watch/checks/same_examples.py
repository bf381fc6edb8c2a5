"""Every step trains on the same few examples, though the program loads more."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Pass, Seeded

# Passes that must be alike, steps that a training must have, and numbers of a batch that are compared.
ALIKE, STEPS, MOST = 4, 8, 1_000_000
# Steps between which seeds are heard.
FIRST = 50


class SameExamples(Check):
    name = "same_examples"
    looks_at = (
        "whether a model's first training passes have the same inputs, while a DataLoader has several batches, or "
        "while a generator is given its seed before each of them"
    )
    cost = "the first batch is kept, and compared with three others"
    source = "PyTorch forum: next(iter(loader)) in a loop; PyTorch documentation, Reproducibility; UMLAUT"
    expected = "other examples in each step"
    remedy = "take the batches from the loader, one after another: for x, y in loader"
    # Of inputs that stay the same, targets that are drawn differ from step to step.
    more_exact_than = ("changing_targets",)
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._first: dict[int, Any] = {}
        self._alike: dict[int, int] = {}
        self._places: dict[int, str] = {}
        # Models that are given one and the same tensor: all examples at once, and none that are drawn.
        self._objects: dict[int, Any] = {}
        self._whole: set[int] = set()
        # Of each call that gives a generator its seed: how often between the first steps.
        self._seeded: dict[str, int] = {}

    def passed(self, call: Pass) -> None:
        key, given = id(call.model), call.given
        if not call.gradients or given.ndim < 1 or given.numel() > MOST or given.requires_grad:
            return
        if key not in self._first:
            self._first[key], self._places[key] = given.detach().clone(), call.place
            self._objects[key] = weakref.ref(given)
        elif self._objects[key]() is given:
            self._whole.add(key)
        same = self._first[key].shape == given.shape and bool((self._first[key] == given).all())
        # One that differs ends it.
        self._alike[key] = self._alike.get(key, 0) + 1 if same else -ALIKE

    def seeded(self, call: Seeded) -> None:
        words = f"{call.name}({call.seed})" + (f" at {call.place}" if call.place else "")
        self._seeded[words] = self._seeded.get(words, 0) + 1

    def end(self) -> None:
        if self.heard.steps < STEPS or self.heard.acts:
            return
        several = [batches for _, batches, _ in self.heard.loaders.values() if batches > 1]
        # A seed that is given once an epoch makes no two steps alike.
        seeds = [words for words, times in self._seeded.items() if 2 * times >= min(self.heard.steps, FIRST)]
        for key, alike in self._alike.items():
            if alike >= ALIKE and (several or (seeds and key not in self._whole)):
                why = f"though the DataLoader has {max(several)} batches" if several else f"drawn after {seeds[0]}"
                self.finds(
                    self._places[key],
                    f"every step trains on the same {len(self._first[key])} examples, {why}",
                    remedy="" if several else "give the generator its seed once, before the loop",
                )
                return
