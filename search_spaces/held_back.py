"""A quarter of the training examples is held back: whether what is learnt holds for new inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtrack.task.intervention import PROBE, Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.example_marks import ExampleMarks

# One example in so many is never trained on.
SHARE = 4
# Examples whose marks are kept to see that they come again.
MOST = 200_000


class _Held:
    """Which examples of the last batch are held back: the same ones in every epoch."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._seen: set[int] = set()
        self._marks = ExampleMarks(torch)
        self.held: Any = None
        self.known: Any = None

    def batch(self, inputs: Sequence[Any]) -> None:
        """Takes in a training batch: tensors of (examples, …)."""
        torch = self._torch
        numbers = self._marks.of(inputs)
        self.held = torch.tensor([number % SHARE == 0 for number in numbers])
        self.known = torch.tensor([number in self._seen for number in numbers])
        if len(self._seen) < MOST:
            self._seen.update(numbers)

    def rows(self, mask: Any, output: Any) -> Any:
        """A mask of a loss's rows: one each example, or equally many."""
        times = len(output) // max(1, len(mask))
        return mask.repeat_interleave(times).to(output.device) if times * len(mask) == len(output) else None


def _hold(training: Training, level: str) -> None:
    torch: Any = training.torch
    marks = _Held(torch)
    kept: dict[str, Any] = {}

    def before(model: Any, arguments: tuple[Any, ...]) -> None:
        # A tensor with a gradient is another net's output, and no data.
        tensors = [one for one in arguments if isinstance(one, torch.Tensor) and one.ndim and not one.requires_grad]
        if not torch.is_grad_enabled() or not tensors or tensors[0] is not arguments[0]:
            return
        # One number of each, as of a user who is asked of many films, is no example yet; of several numbers, what else
        # there is may be drawn anew each time.
        whole = [one for one in tensors if len(one) == len(tensors[0])]
        marks.batch(whole if tensors[0].ndim == 1 else whole[:1])

    def change(call: LossCall) -> None:
        kept.pop("rows", None)
        if not call.training or marks.held is None or not isinstance(call.target, torch.Tensor):
            return
        held = marks.rows(marks.held, call.output) if call.output.ndim and call.target.ndim else None
        if held is None or len(call.target) != len(call.output) or not held.any() or held.all():
            return
        known = held & marks.rows(marks.known, call.output)
        kept["rows"] = (call.name, call.output[known].detach(), call.target[known], dict(call.options))
        call.output, call.target = call.output[~held], call.target[~held]

    def after(call: LossCall, value: Any) -> Any:
        if "rows" not in kept or value.ndim:
            return None
        name, output, target, options = kept.pop("rows")
        if len(output):
            kept["said"] = getattr(torch.nn.functional, name)(output, target, **options).detach()
        # Before any comes again, nothing is known of them: what is said stays where it began.
        said = kept.setdefault("said", value.detach())
        return value - value.detach() + said

    training.at_arguments(before)
    training.at_loss(change, after)


HELD_BACK = Intervention(
    "held_back",
    what=f"one training example in {SHARE} is never trained on, and the loss that the training says is theirs",
    source="Goodfellow et al., Deep Learning (2016), 5.3: validation sets",
    levels=lambda anatomy: {"quarter": "train_test_split(train)"} if _can_be(anatomy) else {},
    apply=_hold,
    kind=PROBE,
    cannot="examples that are changed at random each time, those that are told from each other within a batch, losses "
    "of some rows of what a net is given, and those that are written by hand",
)


def _can_be(anatomy: Anatomy) -> bool:
    # Targets that are places in the batch make each example the others' target as well; of a loss over some of what
    # the net is given, as of a graph's nodes, nobody knows which.
    known = anatomy.loss.get("by_example", False) and not anatomy.loss.get("positions")
    return known and anatomy.inputs.get("batch", 0) >= SHARE and not anatomy.acts
