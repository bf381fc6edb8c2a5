"""A recurrent net reads its whole line, and what it says depends on the first step alone."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Forward, Loss
from backtrack.watch.steps_read import gradients_of_steps
from backtrack.watch.twin import asked

# Steps of a line, at least, and examples of a batch that are asked.
STEPS, EXAMPLES = 4, 8


class UnreadSteps(Check):
    name = "unread_steps"
    looks_at = (
        "a copy of a model with recurrent layers, once: on which steps of its lines the outputs depend, by their "
        "gradients in double precision"
    )
    cost = "one copy of the model, one pass and its gradients, once"
    source = "PyTorch documentation of RNN: output has the states of all steps, the last one's is output[:, -1]"
    expected = "outputs that depend on what comes later in a line than its first step"
    remedy = "read the last step's state (states[:, -1] with batch_first), or a mean over the steps"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._asked: set[int] = set()
        self._last: Forward | None = None

    def forward(self, call: Forward) -> None:
        self._last = call if call.gradients else self._last

    def loss(self, call: Loss) -> None:
        """The targets tell which dimension counts examples."""
        last, self._last = self._last, None
        if last is None or not call.training or not call.target.ndim or id(last.model) in self._asked:
            return
        self._asked.add(id(last.model))
        given, examples = last.arguments[0], call.target.shape[0]
        kinds = {type(one).__name__ for one in last.model.module.modules()}
        if kinds.isdisjoint(RECURRENT) or not last.inputs or not given or given[0] is not last.inputs[0]:
            return
        axes = [axis for axis, size in enumerate(given[0].shape[:2]) if size == examples]
        if given[0].ndim < 2 or len(axes) != 1 or given[0].shape[1 - axes[0]] < STEPS:
            return
        steps = 1 - axes[0]
        read = asked(last.model.module, lambda twin: gradients_of_steps(twin, given, steps, EXAMPLES))
        each = [] if read is None else [bool(size > 0) for size in read.amax(0)]
        if each and each[0] and not any(each[1:]):
            self.finds(
                last.place or last.model.name,
                f"{last.model.name}'s outputs depend on the first of {len(each)} steps alone (inputs "
                f"{tuple(given[0].shape)}): its recurrent layers read all, and what they make of it is left out",
            )
