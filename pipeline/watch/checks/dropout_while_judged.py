"""Dropout that goes on while a model in evaluation mode is judged."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Dropped

# Calls from one place, without a single one there that drops nothing.
CALLS = 4


class DropoutWhileJudged(Check):
    name = "dropout_while_judged"
    looks_at = "functional dropout in the first passes without gradients, while the model is in evaluation mode"
    cost = "a look at two arguments, in the first calls"
    source = "PyTorch documentation of torch.nn.functional.dropout: training=True is its default"
    expected = "nothing is dropped while a model is judged"
    remedy = "dropout(x, p, training=self.training), or an nn.Dropout module"
    at_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._calls: dict[str, int] = {}
        self._knowing: set[str] = set()

    def dropped(self, call: Dropped) -> None:
        judged = not call.gradients and not call.in_training and self.heard.steps > 0
        if not judged or call.by_module or self.heard.acts:
            return
        if not call.active:
            # It knows of the mode.
            self._knowing.add(call.place)
        self._calls[call.place] = self._calls.get(call.place, 0) + 1
        if self._calls[call.place] == CALLS and call.place not in self._knowing:
            self.finds(
                call.place,
                f"it drops {call.share:.0%} of what it gets, though the model is in evaluation mode",
            )
