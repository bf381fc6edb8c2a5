"""A softmax over a dimension of one: whatever it is given, all of its weights are 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Activated, Backward

# Calls that have to show it.
CALLS = 2


class SoftmaxOfOne(Check):
    name = "softmax_of_one"
    looks_at = "what each softmax inside of a model gives, up to the second step"
    cost = "a comparison for each such call, up to the second step"
    source = "PyTorch documentation of Softmax: dim is the dimension along which it sums to 1"
    expected = "weights that depend on what they are computed from"
    remedy = "softmax over the dimension that counts what is weighed: that of the keys, for attention"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._calls: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def activated(self, call: Activated) -> None:
        if call.name != "softmax" or not call.place or call.result.grad_fn is None:
            return
        shape = tuple(call.result.shape)
        ones = _weighs_several(shape) and bool((call.result == 1).all())
        # One call with other weights is enough to see that they differ.
        self._calls[call.place] = self._calls.get(call.place, 0) + 1 if ones else -CALLS
        self._shapes[call.place] = shape

    def backward(self, call: Backward) -> None:
        for place, calls in self._calls.items():
            if calls >= CALLS:
                self.finds(
                    place,
                    f"each of the {self._shapes[place]} weights of this softmax is 1, whatever it is given: it is over "
                    "a dimension of one",
                )


def _weighs_several(shape: Sequence[int]) -> bool:
    """Whether there is another dimension to weigh: a line of one step, and one unit of a last layer, have none."""
    return len(shape) > 1 and (shape[-1] > 1 or (len(shape) == 3 and shape[-2] > 1))
