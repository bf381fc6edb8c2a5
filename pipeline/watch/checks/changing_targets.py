"""The same example comes with another target each time: inputs and targets were put into different orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backtrack.vocabulary.example_marks import ExampleMarks
from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, is_computed
from backtrack.watch.checks.moments import Loss
from backtrack.watch.listening.tensors import tensors_in

# Ids of an example that make it one of its own: fewer, as one word's, may well have many targets.
IDS = 4
# Numbers of a target, at most.
WIDE = 256
# Examples that are remembered.
MOST = 20_000
# An example's last target may say so much of its next one: more by this many standard errors, and it is a fault.
AGREEMENT, ERRORS = 0.4, 3.0
# Of the targets of examples that come again, so many must be those of other examples: what a net computes, as a value
# or a teacher's answer, moves while that net trains, and is not put into another order.
EXCHANGED = 0.1
# Of examples, so many may come twice in one batch: more, and they are not told apart by what the model gets.
TWICE = 0.02
# Passes of a model for each backward pass, at most: with two, a target belongs to no input alone.
PASSES = 1.2


@dataclass
class _Followed:
    """What was seen at one loss.

    Args:
        targets: `{mark of an example: its last target}`, the numbers of each.
        values: the targets of all examples so far.
        before, after: of the examples that came again: the target then, and now.
        exchanged: of these, how many have a target that another example had.
        examples, twice: all that were looked at, and those that a batch has several times.
        passes: how many there were at the last call.
        several: whether one pass got several targets here, as mixed examples do.
    """

    targets: dict[int, tuple[float, ...]] = field(default_factory=dict)
    values: set[tuple[float, ...]] = field(default_factory=set)
    before: list[tuple[float, ...]] = field(default_factory=list)
    after: list[tuple[float, ...]] = field(default_factory=list)
    exchanged: int = 0
    examples: int = 0
    twice: int = 0
    passes: int = 0
    several: bool = False


class ChangingTargets(Check):
    name = "changing_targets"
    looks_at = (
        "the targets of examples that come again, in the first steps and in later ones that are looked at closely"
    )
    cost = "a random projection of the inputs and a copy of the targets at these steps"
    source = "DeepFD and DEFault: wrong labels; PyTorch forum: inputs and targets that are shuffled apart"
    expected = "an example has one target, in every epoch"
    remedy = "put inputs and targets into one order: index both by the same permutation"
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._followed: dict[str, _Followed] = {}
        self._marks: ExampleMarks | None = None

    def loss(self, call: Loss) -> None:
        target = call.target
        if not call.training or self.heard.last is None or not hasattr(target, "detach") or target.requires_grad:
            return
        inputs = tensors_in(self.heard.last[1])
        if not self._are_data(inputs, len(target) if target.ndim else 0) or target[0].numel() > WIDE:
            # Pictures are no labels.
            return
        followed = self._followed.get(call.place)
        if followed is None:
            # Asked until it is known: it costs as much as all else here.
            if not _are_labels(target):
                return
            followed = self._followed[call.place] = _Followed()
        followed.several = followed.several or followed.passes == self.heard.forwards
        followed.passes = self.heard.forwards
        if followed.several:
            return
        marks = self._marked(inputs)
        followed.examples += len(marks)
        followed.twice += len(marks) - len(set(marks))
        for mark, numbers in zip(marks, target.detach().reshape(len(target), -1).tolist(), strict=True):
            now = tuple(numbers)
            if mark in followed.targets:
                followed.before.append(followed.targets[mark])
                followed.after.append(now)
                followed.exchanged += now in followed.values
            if mark in followed.targets or len(followed.targets) < MOST:
                followed.targets[mark] = now
                followed.values.add(now)

    def end(self) -> None:
        passes = sum(model.trained for model in self.heard.models)
        if self.heard.acts or passes > PASSES * self.heard.backwards:
            return
        for place, one in self._followed.items():
            again = len(one.after)
            if not again or one.several or one.twice > TWICE * one.examples or one.exchanged < EXCHANGED * again:
                continue
            said = _agreement(one.before, one.after)
            if said is not None and said + ERRORS / again**0.5 < AGREEMENT:
                self.finds(
                    place,
                    f"of {again} examples that came again, the target says nothing of the one that they had before "
                    f"(agreement {max(0.0, said):.2f} of 1)",
                )

    def _are_data(self, inputs: Sequence[Any], examples: int) -> bool:
        """Whether a pass got one row for each target that tells examples apart, and none that a net has made."""
        if not examples or not inputs or not all(one.ndim and len(one) == examples for one in inputs):
            return False
        ids = not any(one.is_floating_point() for one in inputs)
        apart = not ids or sum(one[0].numel() for one in inputs) >= IDS
        return apart and not any(is_computed(one, self.heard) for one in inputs)

    def _marked(self, inputs: Sequence[Any]) -> list[int]:
        import torch

        if self._marks is None:
            self._marks = ExampleMarks(torch)
        return self._marks.of(inputs)


def _are_labels(target: Any) -> bool:
    """Whether targets are labels: places in the batch, as contrastive losses have them, are none."""
    if target.is_floating_point():
        return True
    flat = target.detach().flatten()
    return len(flat) == len(target) and (len(flat) < 8 or len(flat.unique()) < len(flat))


def _agreement(before: Sequence[tuple[float, ...]], after: Sequence[tuple[float, ...]]) -> float | None:
    """How much the first targets say of the second: 1 where they are equal, about 0 where they are unrelated.

    Of class numbers Cohen's kappa; of numbers the correlation over all columns, each centred. None where targets do
    not differ.
    """
    import torch

    if len({len(one) for one in (*before, *after)}) > 1:
        return None
    first, second = torch.tensor(before), torch.tensor(after)
    if not first.is_floating_point():
        classes = torch.cat([first, second]).unique()
        chance = sum(float((first == one).double().mean() * (second == one).double().mean()) for one in classes)
        return (float((first == second).double().mean()) - chance) / (1 - chance) if chance < 0.95 else None
    first, second = first.double() - first.double().mean(0), second.double() - second.double().mean(0)
    size = float(first.norm() * second.norm())
    return float((first * second).sum()) / size if size > 0 else None
