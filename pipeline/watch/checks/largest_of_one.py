"""What judges the model asks which output is the largest, of one: it is always the first."""

from __future__ import annotations

from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Largest


class LargestOfOne(Check):
    name = "largest_of_one"
    looks_at = (
        "along which dimension argmax and max ask for the largest of a model's outputs, or argmax of what is as large, "
        "between its first passes without gradients and the next step"
    )
    cost = "a look at the shape of what they are given"
    source = "PyTorch documentation of argmax; PyTorch forum: a net of one output that always says class 0"
    expected = "an answer that depends on the output"
    remedy = (
        "a single output says yes above a threshold: outputs > 0, or > 0.5 behind a sigmoid, in the shape of the labels"
    )
    at_judging = True

    def largest(self, call: Largest) -> None:
        self.finds(
            call.place,
            f"{call.function} asks which is the largest of one number, of outputs of the shape "
            f"{tuple(call.given.shape)}: the answer is 0 for every example",
        )
