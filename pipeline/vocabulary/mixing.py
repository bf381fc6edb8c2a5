"""Rows of batches that change places, with those of earlier batches as well: what belonged together no longer does."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

# Earlier rows that are kept, and how many numbers these may hold: in a batch of eight that only changes places among
# itself, one row in eight stays where it was, and a net learns from that one.
KEPT, MOST_NUMBERS = 512, 4_000_000


class Mixer:
    """Draws each row of a batch from the rows of this batch and of earlier ones.

    Args:
        torch: the module.

    Example:
        >>> import torch
        >>> mixer = Mixer(torch)
        >>> mixer.mixed("labels", torch.arange(4)).sort().values
        tensor([0, 1, 2, 3])
        >>> mixer.mixed("labels", torch.arange(4, 8)).shape
        torch.Size([4])
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        # Of its own, so that the program's random numbers stay what they are.
        self._luck = torch.Generator().manual_seed(0)
        self._kept: dict[Hashable, Any] = {}

    def mixed(self, name: Hashable, rows: Any) -> Any:
        """Other rows of the same shape.

        Args:
            name: of what is mixed: only rows of one name are exchanged.
            rows: (examples, …); a single number is one row.
        """
        torch = self._torch
        given = rows.detach()[None] if rows.ndim == 0 else rows.detach()
        key = (name, given.shape[1:], given.dtype, given.device)
        earlier = self._kept.get(key)
        pool = given if earlier is None else torch.cat([given, earlier])
        drawn = pool[torch.randperm(len(pool), generator=self._luck)[: len(given)].to(pool.device)]
        width = max(1, given[:1].numel())
        most = max(0, min(KEPT, MOST_NUMBERS // width))
        self._kept[key] = pool[:most].clone()
        return drawn[0] if rows.ndim == 0 else drawn
