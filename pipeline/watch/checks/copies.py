"""Copies of a model: nets of one class and shapes, of which one trains and the other does not."""

from __future__ import annotations

from typing import Any

from backtrack.watch.checks.heard import ModelHeard

# Tensors of a model that are compared, and numbers of one: a table of many words would cost memory.
TENSORS, LARGEST = 8, 1 << 20


def some_weights(model: ModelHeard) -> list[Any]:
    """The first of a model's parameters that are not too large to be kept."""
    return [one for one in model.module.parameters() if one.numel() <= LARGEST][:TENSORS]


def is_twin(one: ModelHeard, model: ModelHeard, held: set[int]) -> bool:
    """Whether a model trains, and has the class and shapes of one that does not.

    Args:
        one: the one that may train.
        model: the one that may not.
        held: ids of the parameters that optimisers hold.
    """
    if one is model or not one.trained or type(one.module) is not type(model.module):
        return False
    own, other = list(one.module.parameters()), list(model.module.parameters())
    shapes = [weight.shape for weight in own] == [weight.shape for weight in other]
    return shapes and any(id(weight) in held for weight in own) and not any(id(weight) in held for weight in other)
