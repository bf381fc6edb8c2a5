"""Functions that draw weights, and those that give generators of random numbers their seeds."""

from __future__ import annotations

import random
import sys
from typing import Any


def initialisers(torch: Any) -> list[str]:
    """The names of torch's initialisers; those without a line at their end are old names of the same.

    Example:
        >>> import torch
        >>> "xavier_uniform_" in initialisers(torch)
        True
    """
    return [
        name for name, one in vars(torch.nn.init).items() if name.endswith("_") and name[0] != "_" and callable(one)
    ]


def seeders(torch: Any) -> list[tuple[str, Any, str]]:
    """`(module's name, module, function's name)` of what gives torch's, Python's and numpy's generators a seed.

    Example:
        >>> import torch
        >>> [f"{where}.{name}" for where, _, name in seeders(torch)][:2]
        ['torch.manual_seed', 'random.seed']
    """
    found = [("torch", torch, "manual_seed"), ("random", random, "seed")]
    if "numpy" in sys.modules:
        found += [("numpy.random", sys.modules["numpy"].random, name) for name in ("seed", "default_rng")]
    return found
