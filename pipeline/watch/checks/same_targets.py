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
# Share of the first batch's others that lie nearer to an example than the one at its own place, where these have
# nothing to do with each other; of one example that is seen twice, with noise or from another side, fewer or more do.
# Standard errors that it may be off, and examples of a batch that are compared.
UNRELATED, ERRORS, COMPARED = 0.5, 3.0, 128


@dataclass
class _Seen:
    """The first batch at a loss, and how many of those after it have its targets."""

    inputs: Tensor
    targets: Tensor
    alike: int = 0


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
        if bool((inputs == seen.inputs).all()):
            # The first batch once more, in the next epoch.
            return
        if not bool((targets == seen.targets).all()) or not _are_others(inputs, seen.inputs):
            # One such batch ends it.
            self._seen[call.place] = None
            return
        seen.alike += 1
        if seen.alike == ALIKE:
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


def _are_others(now: Tensor, before: Tensor) -> bool:
    """Whether examples have nothing to do with those at their places of another batch.

    Then the one at its place lies as far from each as any: a half of the others lie nearer (of those that lie as far, a
    half counts).
    """
    import torch

    distances = torch.cdist(now, before)
    own = distances.diagonal()[:, None]
    nearer = (distances < own).sum(1) + 0.5 * ((distances == own).sum(1) - 1)
    error = (12 * len(now)) ** -0.5
    return abs(float(nearer.double().mean()) / (len(now) - 1) - UNRELATED) < ERRORS * error


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
