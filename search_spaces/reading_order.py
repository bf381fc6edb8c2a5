"""In which order a recurrent net reads its line."""

from __future__ import annotations

from typing import Any

import torch

from backtrack.search_spaces import XMAS_GIFT
from backtrack.task.intervention import AS_WRITTEN, Anatomy, Intervention, Training
from backtrack.vocabulary.factors import Categorical, Claim
from backtrack.vocabulary.recurrent import LAYERS as RECURRENT
from backtrack.vocabulary.recurrent import layers_in, time_axis

ORDER = Categorical(
    "order",
    ["forward", "reverse", "both"],
    description="reading order; both = two half-width cells, one each way",
    claims=(
        Claim(
            "reading in reverse learns better",
            XMAS_GIFT,
            level="reverse",
            against="forward",
            response="gain",
            expect="better",
        ),
        Claim(
            "reading in reverse learns faster",
            XMAS_GIFT,
            level="reverse",
            against="forward",
            response="speed",
            expect="better",
        ),
    ),
)


def arrange(symbols: torch.Tensor, order: str) -> torch.Tensor:
    """Lines in the order in which the first direction reads them.

    Args:
        symbols: (batch, time) integers, padding included: reversing a padded line moves its padding to the front.
        order: "forward", "reverse" or "both" (forward here; the cell itself runs the other way as well).

    Raises:
        ValueError: for another name.
    """
    if order in ("forward", "both"):
        return symbols
    if order == "reverse":
        return symbols.flip(1)
    raise ValueError(f"reading order {order!r} is not known; expected one of {ORDER.levels}")


def _reversed(anatomy: Anatomy) -> dict[str, str]:
    return {"reverse": "inputs.flip(1) before the recurrent layer"} if anatomy.has(*RECURRENT) else {}


def _reverse(training: Training, level: str) -> None:
    def change(model: Any) -> None:
        for module in layers_in(model):
            module.forward = _flipped(training, module, module.forward)

    training.at_model(change)


def _flipped(training: Training, module: Any, own: Any) -> Any:
    time = time_axis(module)

    def forward(inputs: Any, *rest: Any) -> Any:
        if not isinstance(inputs, training.torch.Tensor) or inputs.ndim < 3:
            return own(inputs, *rest)
        return own(inputs.flip(time), *rest)

    return forward


ORDER_OF_TRAINING = Intervention(
    "reading_order",
    what="recurrent layers read their sequences from the end: h(t) = f(h(t - 1), x(T - t))",
    source=XMAS_GIFT,
    levels=_reversed,
    apply=_reverse,
    inside=True,
    on_suspicion=True,
    size=2,
    points=("vanishing_over_time", "vanishing_gradient"),
    tricks=_reversed,
    claims=(
        Claim("reading in reverse learns better", XMAS_GIFT, level="reverse", against=AS_WRITTEN, response="gain",
              expect="better"),
        Claim("reading in reverse learns faster", XMAS_GIFT, level="reverse", against=AS_WRITTEN, response="speed",
              expect="better"),
    ),
    cannot="packed sequences, cells that are written by hand, and nets that say something at every step",
)  # fmt: skip
