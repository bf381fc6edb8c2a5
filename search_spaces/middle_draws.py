"""Random draws that come out in the middle: for what a program varies at random, as it is without."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

# Whose function of which name, and what stands in its place.
Draw = tuple[Any, str, Callable[..., Any]]


class MiddleDraws:
    """Inside, draws of torch, numpy and `random` return the middle of what they could, and orders stay as they are.

    Entered once for each example: so what stands in the place of each function is made once.

    Args:
        torch: the module.

    Example:
        >>> import torch
        >>> with MiddleDraws(torch):
        ...     torch.rand(2).tolist(), random.uniform(2, 4), float(torch.randn(1))
        ([0.5, 0.5], 3.0, 0.0)
    """

    def __init__(self, torch: Any) -> None:
        import numpy

        self._draws = [*_of_torch(torch), *_of_random(), *_of_numpy(numpy)]
        self._own = [(owner, name, getattr(owner, name)) for owner, name, _ in self._draws]
        # A dataset may ask another one.
        self._depth = 0

    def __enter__(self) -> None:
        if not self._depth:
            _put(self._draws)
        self._depth += 1

    def __exit__(self, *fault: object) -> None:
        self._depth -= 1
        if not self._depth:
            _put(self._own)


def _put(draws: list[Draw]) -> None:
    for owner, name, drawn in draws:
        setattr(owner, name, drawn)


def _of_torch(torch: Any) -> list[Draw]:
    def filled(own: Callable[..., Any], value: float) -> Callable[..., Any]:
        # Its own draw has the shape, the type and the device.
        return lambda *arguments, **options: own(*arguments, **options).fill_(value)

    own_randint = torch.randint

    def randint(*arguments: Any, **options: Any) -> Any:
        bounds = [one for one in arguments if isinstance(one, int)]
        high = options["high"] if "high" in options else bounds.pop()
        low = bounds[0] if bounds else options.get("low", 0)
        return own_randint(*arguments, **options).fill_((low + high - 1) // 2)

    def uniform_(tensor: Any, low: float = 0.0, high: float = 1.0, **options: Any) -> Any:
        return tensor.fill_((low + high) / 2)

    def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, **options: Any) -> Any:
        return tensor.fill_(mean)

    own_randperm = torch.randperm
    return [
        *((torch, name, filled(getattr(torch, name), 0.5)) for name in ("rand", "rand_like")),
        *((torch, name, filled(getattr(torch, name), 0.0)) for name in ("randn", "randn_like")),
        (torch, "randint", randint),
        (torch, "randperm", lambda *arguments, **options: own_randperm(*arguments, **options).sort().values),
        (torch, "bernoulli", lambda share, *rest, **options: (share > 0.5).to(share.dtype)),
        (torch.Tensor, "uniform_", uniform_),
        (torch.Tensor, "normal_", normal_),
    ]


def _unshuffled(items: Any) -> None:
    """Leaves them as they are."""


def _of_random() -> list[Draw]:
    return [
        (random, "random", lambda: 0.5),
        (random, "uniform", lambda low, high: (low + high) / 2),
        (random, "randint", lambda low, high: (low + high) // 2),
        (random, "gauss", lambda mu=0.0, sigma=1.0: mu),
        (random, "normalvariate", lambda mu=0.0, sigma=1.0: mu),
        (random, "shuffle", _unshuffled),
    ]


def _of_numpy(numpy: Any) -> list[Draw]:
    draws, own_permutation = numpy.random, numpy.random.permutation

    def like(name: str, value: Callable[..., float]) -> Draw:
        own = getattr(draws, name)

        def drawn(*arguments: Any, **options: Any) -> Any:
            made = own(*arguments, **options)
            middle = value(*arguments, **options)
            return numpy.full_like(made, middle) if numpy.ndim(made) else type(made)(middle)

        return draws, name, drawn

    def between(low: float, high: float | None = None, *rest: Any, **options: Any) -> float:
        return (low - 1) // 2 if high is None else (low + high - 1) // 2

    return [
        *(like(name, lambda *_, **options: 0.5) for name in ("rand", "random", "random_sample")),
        *(like(name, lambda *_, **options: 0.0) for name in ("randn", "standard_normal")),
        like("normal", lambda loc=0.0, scale=1.0, *_, **options: loc),
        like("uniform", lambda low=0.0, high=1.0, *_, **options: (low + high) / 2),
        like("randint", between),
        (draws, "shuffle", _unshuffled),
        (draws, "permutation", lambda items: numpy.sort(own_permutation(items)) if isinstance(items, int) else items),
    ]
