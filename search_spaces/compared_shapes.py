"""What judges a net: predictions and targets of one shape before they are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.task.intervention import Intervention, Training
from backtrack.vocabulary.places import is_called_by_own
from backtrack.vocabulary.shapes import DIFFERENCES, EQUALITIES, compares_all, owners_of

# Among an anatomy's calls: predictions that are compared with all targets.
SEEN = "all compared with all"


def at_comparing(training: Training, aligned: Callable[[], bool]) -> None:
    """Asks `aligned()` where (n, 1) and (n,) are compared without gradients: where yes, the second gets the first's
    shape."""
    torch: Any = training.torch

    def make(own: Any) -> Any:
        def compare(*arguments: Any, **options: Any) -> Any:
            all_with_all = len(arguments) > 1 and not torch.is_grad_enabled() and compares_all(*arguments[:2])
            if all_with_all and is_called_by_own() and aligned():
                left, right, *rest = arguments
                return own(left, right.reshape(left.shape), *rest, **options)
            return own(*arguments, **options)

        return compare

    for owner, name in owners_of(torch, (*EQUALITIES, *DIFFERENCES)):
        training.replace(owner, name, make)


COMPARED_SHAPES = Intervention(
    "compared_shapes",
    what="predictions and targets with equally many numbers are brought to one shape before they are compared without "
    "gradients",
    source="NumPy's rules of broadcasting; PyTorch forum: accuracy of (N, 1) predictions against (N,) labels",
    levels=lambda anatomy: {"alike": "(prediction.squeeze(-1) == target)"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_comparing(training, lambda: True),
    harmless=True,
    on_suspicion=True,
    answers=("broadcast_metric",),
    cannot="what is compared as arrays of numpy",
)
