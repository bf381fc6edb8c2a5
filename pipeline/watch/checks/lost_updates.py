"""Most weights of low precision do not move at a step: what they should move by is less than rounding."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Step

if TYPE_CHECKING:
    from torch import Tensor

# Close steps that must have been seen, the share of the weights, and how many matrices are looked at.
LOOKS, MOST, MATRICES = 4, 0.5, 4
LOW = ("torch.bfloat16", "torch.float16")


class LostUpdates(Check):
    name = "lost_updates"
    looks_at = "how many weights in bfloat16 or float16 that have a gradient stay as they are at a close step"
    cost = "a copy of four weight matrices at a close step, of models in low precision alone"
    source = "Gupta et al., Deep Learning with Limited Numerical Precision (2015); PyTorch forum, bfloat16 weights"
    expected = "updates that the weights' precision can tell from nothing"
    remedy = "keep the weights in float32, and compute under torch.autocast(dtype=torch.bfloat16)"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._before: list[tuple[Tensor, Tensor]] = []
        self._lost: dict[int, list[float]] = {}

    def before_step(self, step: Step) -> None:
        self._before = []
        if step.close and len(self._lost.get(id(step.heard), ())) < LOOKS:
            low = [one for one in step.heard.parameters if str(one.dtype) in LOW and one.ndim > 1]
            moved = [one for one in low if one.grad is not None and not one.grad.is_sparse]
            self._before = [(one, one.detach().clone()) for one in moved[:MATRICES]]

    def after_step(self, step: Step) -> None:
        before, self._before = self._before, []
        due = [(weight, old, weight.grad != 0) for weight, old in before if weight.grad is not None]
        count = sum(int(wanted.sum()) for _, _, wanted in due)
        stayed = sum(int(((weight.detach() == old) & wanted).sum()) for weight, old, wanted in due)
        # Where none moved at all the rate is zero, or the weights are no optimiser's to move: another check's.
        if not 0 < stayed < count:
            return
        lost = self._lost.setdefault(id(step.heard), [])
        lost.append(stayed / count)
        if len(lost) == LOOKS and median(lost) > MOST:
            self.finds(
                joined([self.heard.name_of(weight) for weight, _, _ in due]),
                f"{median(lost):.0%} of the weights with a gradient stay exactly as they are at a step: in "
                f"{str(due[0][0].dtype).removeprefix('torch.')} the update is lost in rounding",
            )
