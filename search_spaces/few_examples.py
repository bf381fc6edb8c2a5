"""A few examples are all that a net trains on: it learns these by heart, and what it knows of others is asked."""

from __future__ import annotations

from typing import Any

from backtrack.task.intervention import PROBE, Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.example_marks import ExampleMarks

# Batches of which each gives half of its examples; fewer than so many in a batch are too few.
BATCHES, LEAST = 4, 8
# Whose targets the loss of the others is told by: their own, or those of the few.
OWN, EXCHANGED = "own", "exchanged"
# Among an anatomy's calls: passes that train, of a model that gets several tensors.
SEVERAL = "several inputs"
# What reads rows that are steps, or looks at several of them at once.
SEQUENCES = ("RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")


class _Few:
    """The examples that a net trains on, and in each batch others that it does not.

    Args:
        torch: the module.
        exchanged: whether the others are told by targets that are not theirs.
    """

    def __init__(self, torch: Any, exchanged: bool) -> None:
        self._torch = torch
        self._exchanged = exchanged
        self._marks, self._known = ExampleMarks(torch), set[int]()
        self._inputs: list[Any] = []
        self._targets: list[Any] = []
        self._turn = 0
        # Of the batch that waits for its loss: (place among the few, examples of theirs, of all, marks of others).
        self._waiting: tuple[int, int, int, list[int]] | None = None
        # Whether each pass has one loss of one row each example: otherwise nothing is changed.
        self.works = True

    def given(self, batch: Any) -> Any:
        """A batch that trains, its first half replaced by some of the few examples: (examples, …)."""
        same = not self._inputs or batch.shape[1:] == self._inputs[0].shape[1:]
        if self._waiting is not None or not same or len(batch) < LEAST:
            self.works = False
            return batch
        half = len(batch) // 2
        place = len(self._inputs) if len(self._inputs) < BATCHES else self._turn % BATCHES
        if place == len(self._inputs):
            self._inputs.append(batch[:half].detach().clone())
            self._known.update(self._marks.of([self._inputs[place]]))
        half = min(half, len(self._inputs[place]))
        self._turn += 1
        self._waiting = place, half, len(batch), self._marks.of([batch[half : 2 * half]])
        return self._torch.cat([self._inputs[place][:half], batch[half:]])

    def compared(self, output: Any, target: Any) -> tuple[Any, Any, Any, Any] | None:
        """(outputs, targets) of the few and of the others, for the loss of a batch; None where it is not a batch's."""
        waiting, self._waiting = self._waiting, None
        rows = len(output) if output.ndim and target.ndim and len(output) == len(target) else 0
        if waiting is None or not rows or rows % waiting[2]:
            self.works = False
            return None
        place, half, count, marks = waiting
        each = rows // count
        if place == len(self._targets):
            self._targets.append(target[: half * each].detach().clone())
        new = self._torch.tensor([mark not in self._known for mark in marks], device=output.device)
        new = new.repeat_interleave(each)
        others = target[half * each : 2 * half * each]
        if self._exchanged:
            of_few = self._targets[(place + 1) % len(self._targets)]
            others, new = of_few[: len(others)], new[: len(of_few)]
        held = output[half * each : 2 * half * each].detach()[: len(new)]
        return output[: half * each], self._targets[place][: half * each], held[new], others[new]


def _train_on_few(training: Training, level: str) -> None:
    torch: Any = training.torch
    few = _Few(torch, level == EXCHANGED)
    kept: dict[str, Any] = {}

    def before(model: Any, given: Any) -> Any:
        # A tensor with a gradient is another net's output, and no data.
        data = isinstance(given, torch.Tensor) and given.ndim > 0 and not given.requires_grad
        return few.given(given) if few.works and data and torch.is_grad_enabled() else given

    def change(call: LossCall) -> None:
        kept.pop("others", None)
        if not call.training or not few.works or not isinstance(call.target, torch.Tensor):
            return
        found = few.compared(call.output, call.target)
        if found is not None:
            call.output, call.target, *others = found
            kept["others"] = (call.name, *others, dict(call.options))

    def after(call: LossCall, value: Any) -> Any:
        if "others" not in kept or value.ndim:
            return None
        name, output, target, options = kept.pop("others")
        if len(output):
            kept["said"] = getattr(torch.nn.functional, name)(output, target, **options).detach()
        return value - value.detach() + kept.get("said", value.detach())

    training.at_forward(before=before)
    training.at_loss(change, after)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    known = anatomy.loss.get("by_example", False) and not anatomy.loss.get("positions")
    alone = not anatomy.acts and not anatomy.calls.get(SEVERAL) and not anatomy.has(*SEQUENCES)
    if not (known and alone and len(anatomy.losses) == 1 and anatomy.inputs.get("batch", 0) >= LEAST):
        return {}
    few = f"the first half of {BATCHES} batches, again and again"
    return {OWN: few, EXCHANGED: f"{few}; other examples told by the labels of these"}


FEW_EXAMPLES = Intervention(
    "few_examples",
    what=f"the net trains on half of its first {BATCHES} batches alone; the loss that the training says is that of "
    "other examples, by their own labels or by those of the few",
    source="Zhang et al., Understanding deep learning requires rethinking generalization (2017)",
    levels=_levels,
    apply=_train_on_few,
    kind=PROBE,
    cannot="models with several inputs, several losses, sequences, and losses that are written by hand",
)
