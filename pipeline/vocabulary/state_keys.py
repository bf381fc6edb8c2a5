"""Names of weights in a file against those of a net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matched_by_ends(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Given weights by a net's own names, where one name is the other's end: wrappers put something before names.

    Args:
        own: the net's state, `{name: tensor}`.
        given: what is to be loaded.

    Returns:
        `{own name: given tensor}` of those that have one counterpart, of the same shape.

    Example:
        >>> import torch
        >>> net, file = {"fc.bias": torch.zeros(2)}, {"module.fc.bias": torch.ones(2), "module.other": torch.ones(3)}
        >>> matched_by_ends(net, file)
        {'fc.bias': tensor([1., 1.])}
    """
    found = {}
    for name, weight in own.items():
        alike = [
            tensor
            for other, tensor in given.items()
            if f".{other}".endswith(f".{name}") or f".{name}".endswith(f".{other}")
        ]
        if len(alike) == 1 and getattr(alike[0], "shape", None) == weight.shape:
            found[name] = alike[0]
    return found
