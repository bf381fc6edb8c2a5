"""Which steps at the ends of lines are padding: there all lines are alike."""

from __future__ import annotations

from typing import Any

# Lines whose last step is compared with all others', and the share of all that must end alike.
ASKED, ALIKE = 32, 0.3


def lengths_without_padding(lines: Any, time: int) -> Any:
    """How many steps each line has before its padding: the same vector, up to its end, that many lines end with.

    Args:
        lines: (batch, time, width), or (time, batch, width); what a recurrent layer gets.
        time: the dimension of the steps, 0 or 1.

    Returns:
        (batch,) whole numbers, at least 1; None where less than `ALIKE` of the lines end alike.

    Example:
        >>> import torch
        >>> lines = torch.tensor([[3.0, 2.0, 0.0, 0.0], [1.0, 0.0, 2.0, 0.0], [4.0, 5.0, 6.0, 7.0]]).unsqueeze(2)
        >>> lengths_without_padding(lines, 1).tolist()
        [2, 3, 4]
        >>> lengths_without_padding(torch.arange(24.0).reshape(4, 6, 1), 1) is None
        True
    """
    rows = lines if time else lines.transpose(0, 1)
    ends = rows[:, -1]
    counts = (ends[None] == ends[:ASKED, None]).all(-1).sum(1)
    most = int(counts.argmax())
    if int(counts[most]) < ALIKE * len(rows):
        return None
    padding = (rows == ends[most]).all(-1)
    return (rows.shape[1] - padding.flip(1).cumprod(1).sum(1)).clamp_min(1)
