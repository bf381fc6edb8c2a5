"""In which order a recurrent net reads its line."""

from __future__ import annotations

import torch

from backtrack.search_spaces import XMAS_GIFT
from backtrack.vocabulary.factors import Categorical, Claim

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
