"""The blank of connectionist temporal classification, and labels that have its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAME = "ctc_loss"


def blank_of(options: Mapping[str, Any]) -> int:
    """The number of the blank, by the options of a call."""
    return int(options.get("blank", 0))


def labels_of(target: Any, options: Mapping[str, Any]) -> Any:
    """The labels that count: what only fills lines up is left out.

    Args:
        target: (batch, longest) labels, or all of them in one row.
        options: of the call; `target_lengths` are (batch,).

    Returns:
        (labels,) whole numbers.

    Example:
        >>> import torch
        >>> labels_of(torch.tensor([[3, 1], [2, 0]]), {"target_lengths": torch.tensor([2, 1])}).tolist()
        [3, 1, 2]
    """
    lengths = options.get("target_lengths")
    if target.ndim != 2 or lengths is None:
        return target.flatten()
    counted = lengths.to(target.device) if hasattr(lengths, "to") else target.new_tensor(lengths)
    places = target.new_ones(target.shape[1]).cumsum(0)
    return target[places <= counted.reshape(-1, 1)]


def free_number(labels: Any, classes: int) -> int | None:
    """The first or the last of the classes, where no label has it; None where both are taken.

    Args:
        labels: (labels,) whole numbers.
        classes: with the blank.

    Example:
        >>> import torch
        >>> free_number(torch.tensor([1, 2, 3]), 4), free_number(torch.tensor([0, 2]), 4)
        (0, 3)
    """
    return next((one for one in (0, classes - 1) if not bool((labels == one).any())), None)
