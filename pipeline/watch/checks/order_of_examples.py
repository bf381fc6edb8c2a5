"""Examples come class by class, or in the same batches in every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward, Loss

CLASSES = {"cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
# Labels in a row that are looked at; of the changes between neighbours that chance would make, so many may be there.
LABELS, CHANGES, LEAST = 200_000, 0.2, 200
# Of all pairs of examples, so many of those in one batch differ as well where each batch has all classes.
MIXED = 0.8


class OrderOfExamples(Check):
    name = "order_of_examples"
    looks_at = "how often neighbouring training labels differ, over the first epochs"
    cost = "the labels of the training batches are kept"
    source = "Bottou, Stochastic Gradient Descent Tricks (2012); UMLAUT; DeepFD, data not shuffled"
    expected = "examples of all classes mixed, in a new order in every epoch"
    remedy = "shuffle: DataLoader(…, shuffle=True), or torch.randperm before each epoch"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._labels: dict[str, list[Any]] = {}
        self._kept = 0
        self._next = LEAST

    def loss(self, call: Loss) -> None:
        if call.name not in CLASSES or not call.training or self._kept > LABELS:
            return
        target = call.target.detach()
        if target.ndim > 1 and target.shape[-1] == 1:
            target = target.squeeze(-1)
        if target.ndim == 1:
            self._labels.setdefault(call.place, []).append(target.cpu())
            self._kept += len(target)

    def backward(self, call: Backward) -> None:
        if self._kept >= self._next:
            self._next *= 2
            self._look()

    def end(self) -> None:
        self._look()

    def _look(self) -> None:
        import torch

        if len(self._labels) != 1:
            return
        ((place, parts),) = self._labels.items()
        labels = torch.cat(parts)
        if len(labels) < LEAST or len(parts) < 4:
            return
        _, counts = labels.unique(return_counts=True)
        if len(counts) < 2 or int(counts.sort().values[-2]) < 20:
            return
        shares = counts.float() / len(labels)
        unlike = float(1 - (shares**2).sum())
        expected = unlike * (len(labels) - 1)
        changes = int((labels[1:] != labels[:-1]).sum())
        if 2 * changes >= len(parts) and all(bool((part == part[0]).all()) for part in parts):
            # Batches of one class by turns, as of real and made-up examples: they are built so.
            return
        if changes < CHANGES * expected and _within(parts) < MIXED * unlike:
            self.finds(
                place,
                f"the training examples come class by class: neighbouring labels differ {changes} times "
                f"in {len(labels)}, and would {expected:.0f} times if they were shuffled",
            )


def _within(parts: list[Any]) -> float:
    """Of pairs of examples in one batch, how many differ in their label: a step does not ask for their order in it."""
    differ = pairs = 0
    for part in parts:
        counts = part.unique(return_counts=True)[1]
        pairs += len(part) * (len(part) - 1)
        differ += len(part) ** 2 - int((counts**2).sum())
    return differ / pairs if pairs else 0.0


class SameBatches(Check):
    name = "same_batches"
    looks_at = "whether the DataLoader that trains takes its examples in order"
    cost = "nothing"
    source = "Bottou, Stochastic Gradient Descent Tricks (2012)"
    expected = "a new order of the training examples in every epoch"
    remedy = "DataLoader(…, shuffle=True) for training"
    weight = UNUSUAL

    def end(self) -> None:
        loaders = list(self.heard.loaders.values())
        several = [one for one in loaders if one[1] > 3]
        if (
            several
            and all(sampler == "SequentialSampler" for sampler, _, _ in several)
            and self.heard.steps > several[0][1]
        ):
            _, batches, size = several[0]
            self.finds(
                f"DataLoader ({batches} batches of {size})",
                "no DataLoader shuffles: every epoch has the same batches in the same order",
            )
