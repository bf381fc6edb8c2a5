"""Weights that a program draws anew, or writes over, after they have begun to train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.moved_weights import guarding, moved_weights
from backtrack.task.intervention import Intervention, Training
from backtrack.vocabulary.drawing import initialisers

# Methods that write other numbers over a tensor's.
WRITES = ("normal_", "uniform_", "fill_", "zero_", "copy_")
SEEN = "weights written over"


def at_writing(training: Training, writes: Callable[[], bool]) -> None:
    """Asks `writes()` where weights are written over once they have trained: where it says no, they stay."""
    is_moved = moved_weights(training)
    inside: list[Any] = []
    # An optimiser may write by itself.
    guarded = guarding(lambda tensor: not inside and is_moved(tensor), writes)

    def stepping(optimiser: Any) -> None:
        inside.append(optimiser)

    def stepped(optimiser: Any) -> None:
        inside.clear()

    training.at_step(before=stepping, after=stepped)
    torch = training.torch
    for name in WRITES:
        training.replace(torch.Tensor, name, guarded)
    for name in initialisers(torch):
        training.replace(torch.nn.init, name, guarded)


KEPT_WEIGHTS = Intervention(
    "kept_weights",
    what="weights that an optimiser has moved are not drawn anew, and nothing is written over them",
    source="PyTorch documentation of torch.nn.init and Module.apply",
    levels=lambda anatomy: {"kept": "initialise once, before the epochs"} if anatomy.calls.get(SEEN) else {},
    apply=lambda training, level: at_writing(training, lambda: False),
    answers=("weights_made_anew",),
    on_suspicion=True,
    cannot="another model that is made in each epoch, and weights that are set by .data =",
)
