"""Functions that draw weights, those that give generators of random numbers their seeds, and draws that come again."""

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


def distributions_with(torch: Any, method: str) -> list[type]:
    """Torch's distributions that have a method of their own, by its name.

    Example:
        >>> import torch
        >>> torch.distributions.Normal in distributions_with(torch, "sample")
        True
    """
    kinds = torch.distributions
    every = {one for one in vars(kinds).values() if isinstance(one, type) and issubclass(one, kinds.Distribution)}
    return [kind for kind in every if method in vars(kind)]


# Functions of torch that draw which examples come next, from a generator that they are given or from the default one.
DRAWS = ("randint", "randperm", "multinomial")


class Draws:
    """Which draws begin at a state that a generator was in before: it was given its seed again in between.

    Example:
        >>> import torch
        >>> draws, generator = Draws(), torch.Generator().manual_seed(3)
        >>> first = draws.come_again(generator), torch.rand(2, generator=generator)
        >>> second = draws.come_again(generator), draws.come_again(torch.Generator().manual_seed(3))
        >>> first[0], second
        (False, (False, True))
    """

    # States that are kept.
    MOST = 1000

    def __init__(self) -> None:
        self._states: set[int] = set()

    def come_again(self, generator: Any) -> bool:
        """Whether a generator is in a state that was seen before; it is kept."""
        state = hash(bytes(generator.get_state().numpy()))
        known = state in self._states
        if len(self._states) < self.MOST:
            self._states.add(state)
        return known
