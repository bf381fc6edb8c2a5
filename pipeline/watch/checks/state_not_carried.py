"""A cell reads a line step by step and gets an empty state at each step: it remembers nothing."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.recurrent import reads_one_step
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Inner

# Steps of a line that have to show it.
STEPS = 4


class StateNotCarried(Check):
    name = "state_not_carried"
    looks_at = "the states that recurrent cells get, step by step, in passes that are looked at closely"
    cost = "a look at a state for each call of a cell in a close pass"
    source = "PyTorch documentation of RNNCell, GRUCell and LSTMCell: the next step gets the state of the one before"
    expected = "from its second step on a cell gets the state that it returned"
    remedy = "make the state once, before the loop over steps, and give each step the one before it"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._calls: dict[int, tuple[Inner, int]] = {}
        self._carried: set[int] = set()

    def inner(self, call: Inner) -> None:
        if not call.inputs or not call.outputs or not reads_one_step(call.module, call.inputs[0]):
            return
        key = id(call.module)
        # Beyond what is read a cell gets its state; one that has said nothing yet has none to carry.
        if any(bool(state.any()) for state in call.inputs[1:]) or not bool(call.outputs[0].any()):
            self._carried.add(key)
        self._calls[key] = (call, self._calls.get(key, (call, 0))[1] + 1)

    def forward(self, call: Forward) -> None:
        for key, (one, steps) in self._calls.items():
            if steps >= STEPS and key not in self._carried:
                self.finds(
                    one.place,
                    f"{type(one.module).__name__} is called {steps} times in one pass, each time with a state of zeros "
                    "or none: what it says depends on the present step alone",
                )
        self._calls.clear()
        self._carried.clear()
