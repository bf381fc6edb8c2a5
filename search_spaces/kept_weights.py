"""Weights that a program draws anew, or writes over, after they have begun to train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.moved_weights import guarding, moved_weights
from backtrack.task.intervention import Anatomy, Intervention, Training
from backtrack.vocabulary.drawing import initialisers

# Methods that write other numbers over a tensor's, or make it larger or smaller.
WRITES = ("normal_", "uniform_", "fill_", "zero_", "copy_", "mul_", "div_", "__imul__", "__itruediv__")
SEEN = "weights written over"
# Models of the same class and shapes, from which on a program may make one anew in each epoch.
AGAIN, MODELS = "models of the same shapes", 3


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


def shapes_of(model: Any) -> tuple[Any, ...]:
    """A model's class and the shapes of its weights."""
    return (type(model).__name__, *(tuple(weight.shape) for weight in model.parameters()))


def _levels(anatomy: Anatomy) -> dict[str, str]:
    alone = "leave weights to the optimizer from its first step on: nothing else draws, sets or multiplies them"
    kept = {"kept": alone} if anatomy.calls.get(SEEN) else {}
    again = anatomy.calls.get(AGAIN, 0) >= MODELS
    return {**kept, **({"carried": "make the model once, before the epochs"} if again else {})}


def _apply(training: Training, level: str) -> None:
    if level == "kept":
        at_writing(training, lambda: False)
        return
    last: dict[tuple[Any, ...], Any] = {}

    def made(model: Any) -> None:
        before = last.get(shapes_of(model))
        if before is not None:
            model.load_state_dict(before.state_dict())
        last[shapes_of(model)] = model

    training.at_model(made)


KEPT_WEIGHTS = Intervention(
    "kept_weights",
    what="weights that an optimiser has moved are not drawn anew, written over or multiplied; a model of the same "
    "class and shapes as one before begins with what that one has learnt",
    source="PyTorch documentation of torch.nn.init and Module.apply",
    levels=_levels,
    apply=_apply,
    answers=("weights_made_anew", "updates_undone", "weights_shrunk"),
    on_suspicion=True,
    cannot="weights that are set by .data =",
)
