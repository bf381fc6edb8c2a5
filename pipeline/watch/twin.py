"""A copy of a model is asked, and the training does not notice: not in its weights, inputs or random numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

# Models with more parameters are not copied.
MOST_PARAMETERS = 20_000_000

Answer = TypeVar("Answer")


def asked(module: Any, question: Callable[[Any], Answer]) -> Answer | None:
    """What a question gets from a copy of a model; None where it cannot be copied, or does not answer.

    Args:
        module: the model.
        question: gets the copy. The random numbers that it draws are drawn again afterwards, on all devices.

    Example:
        >>> import torch
        >>> asked(torch.nn.Linear(2, 1), lambda twin: tuple(twin(torch.ones(3, 2)).shape))
        (3, 1)
    """
    import torch

    if sum(one.numel() for one in module.parameters()) > MOST_PARAMETERS:
        return None
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=list(devices)):
            return question(copy.deepcopy(module))
    except Exception:
        # A model that cannot be copied, or takes nothing else than it was given, is not asked.
        return None
