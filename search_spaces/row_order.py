"""Rows of targets in the order of the rows of outputs, where both were flattened in different orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.search_spaces.loss_arguments import place
from backtrack.task.intervention import Anatomy, Intervention, LossCall, Training
from backtrack.vocabulary.flattened import Flattened

# Among an anatomy's calls: a loss of rows in different orders.
APART = "rows in two orders"
FLATTENING = ("view", "reshape", "flatten")


def at_rows(training: Training, apart: Callable[[LossCall, tuple[int, ...]], None]) -> None:
    """Calls `apart(call, shape)` for each loss whose rows stand in two orders: `shape` is that of the target before."""
    kept, torch = Flattened(), training.torch

    def make(own: Any) -> Any:
        def shaped(tensor: Any, *sizes: Any, **named: Any) -> Any:
            result = own(tensor, *sizes, **named)
            kept.note(result, tuple(tensor.shape))
            return result

        return shaped

    def change(call: LossCall) -> None:
        found = kept.apart(call.output, call.target) if isinstance(call.target, torch.Tensor) else None
        if found is not None:
            apart(call, found[1])

    for name in FLATTENING:
        training.replace(torch.Tensor, name, make)
    training.at_loss(change)


def _levels(anatomy: Anatomy) -> dict[str, str]:
    return {"alike": "transpose the targets before they are flattened"} if anatomy.calls.get(APART) else {}


def _apply(training: Training, level: str) -> None:
    def turn(call: LossCall, shape: tuple[int, ...]) -> None:
        rest = tuple(call.target.shape[1:])
        call.target = call.target.reshape(*shape, *rest).transpose(0, 1).reshape(-1, *rest)

    at_rows(training, turn)


ROW_ORDER = Intervention(
    "row_order",
    what="targets that were flattened in another order than the outputs are put into their order",
    source="PyTorch documentation of RNN, batch_first, and of Tensor.reshape",
    levels=_levels,
    apply=_apply,
    harmless=True,
    answers=("rows_apart",),
    place=place,
    cannot="what torch.reshape and torch.flatten flatten, axes of one size, and outputs that are changed in between",
)
