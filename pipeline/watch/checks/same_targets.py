"""Batches of other examples come with the same targets each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard, is_computed
from backtrack.watch.checks.moments import Loss
from backtrack.watch.listening.tensors import tensors_in

if TYPE_CHECKING:
    from torch import Tensor

# Losses at one place whose targets must be alike, and numbers that are compared at most.
ALIKE, MOST = 4, 1_000_000
# Examples of a batch: of few it may be so by chance, and more are hardly a batch.
EXAMPLES, BATCH = 8, 1024
# Where targets go up, and down, at least so often from example to example, they are in no order that somebody made.
TURNS = 3
# Of an example, so many of the first batch's others lie nearer to it than the one at its own place, on average, where
# these have nothing to do with each other; of one example that is seen twice, with noise or from another side, fewer or
# more. Standard errors that it may be off, and examples of a batch that are compared.
UNRELATED, ERRORS, COMPARED = 0.5, 2.0, 128


@dataclass
class _Seen:
    """The first batch at a loss, and of those after it how many have its targets, and what `_nearer` says of each."""

    inputs: Tensor
    targets: Tensor
    alike: int = 0
    nearer: float = 0.0

    @property
    def are_other_examples(self) -> bool:
        error = (12 * self.alike * len(self.inputs)) ** -0.5
        return abs(self.nearer / self.alike - UNRELATED) < ERRORS * error


class SameTargets(Check):
    name = "same_targets"
    looks_at = "whether the targets of a loss's first batches are the same, while the inputs are of other examples"
    cost = "the first batch and its targets are kept, and compared with up to eleven others"
    source = "DeepFD and DEFault: wrong labels; PyTorch forum: y[:batch_size] in a loop"
    expected = "each batch's own targets"
    remedy = "cut inputs and targets alike: x[start:end] and y[start:end]"
    more_exact_than = ("changing_targets",)
    of_data = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: dict[str, _Seen | None] = {}

    def loss(self, call: Loss) -> None:
        seen = self._seen.get(call.place)
        if not call.training or (seen is None and call.place in self._seen):
            return
        inputs, targets = self._inputs(call), call.target.detach()
        if seen is None:
            first = None if inputs is None or not _are_in_no_order(targets) else _Seen(inputs, targets.clone())
            self._seen[call.place] = first
            return
        if inputs is None or targets.shape != seen.targets.shape or inputs.shape != seen.inputs.shape:
            # A last batch is a smaller one.
            return
        if not bool((targets == seen.targets).all()):
            # One that differs ends it.
            self._seen[call.place] = None
            return
        seen.alike += 1
        seen.nearer += _nearer(inputs, seen.inputs)
        if seen.alike >= ALIKE and seen.are_other_examples:
            self.finds(
                call.place or call.name,
                f"the {len(targets)} targets of {seen.alike + 1} batches are the same, one by one, and the inputs are "
                "of other examples",
            )

    def _inputs(self, call: Loss) -> Tensor | None:
        """What the net got for these targets, an example a row; None where that is not known, or a net's own."""
        import torch

        given = tensors_in(self.heard.last[1]) if self.heard.last is not None else []
        target = call.target
        if not given or target.ndim < 1 or target.requires_grad or target.numel() > MOST:
            return None
        first: Tensor = given[0].detach()
        if first.ndim < 1 or len(first) != len(target) or first.numel() > MOST:
            return None
        rows = first[:COMPARED].reshape(len(first[:COMPARED]), -1)
        return None if is_computed(given[0], self.heard) else rows.to(torch.float64, copy=True)


def _nearer(now: Tensor, before: Tensor) -> float:
    """The share of the others of a batch that lie nearer to an example than the one at its place, over all examples.

    Of those that lie as far as that one, a half counts.
    """
    import torch

    distances = torch.cdist(now, before)
    own = distances.diagonal()[:, None]
    before_it = (distances < own).sum(1) + 0.5 * ((distances == own).sum(1) - 1)
    return float(before_it.double().mean()) / (len(now) - 1)


def _are_in_no_order(targets: Tensor) -> bool:
    """Whether targets go up and down as those of a batch that was drawn do.

    Those that a program makes for its batches (places in the batch, ones and then zeros, each class in turn) do not.
    """
    import torch

    if not EXAMPLES <= len(targets) <= BATCH:
        return False
    rows = torch.unique(targets.reshape(len(targets), -1), dim=0, return_inverse=True)[1]
    steps = rows.diff()
    if min(int((steps > 0).sum()), int((steps < 0).sum())) < TURNS:
        return False
    periods = range(1, len(rows) // 2 + 1)
    return not any(bool((rows[period:] == rows[:-period]).all()) for period in periods)
