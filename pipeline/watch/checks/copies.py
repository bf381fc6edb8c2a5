"""Copies of a model: nets of one class and shapes, of which one trains and the other does not."""

from __future__ import annotations

from typing import Any

from backtrack.watch.checks.heard import Heard, ModelHeard

# Tensors of a model that are compared, and numbers of one: a table of many words would cost memory.
TENSORS, LARGEST = 8, 1 << 20


def some_weights(model: ModelHeard) -> list[Any]:
    """The first of a model's parameters that are not too large to be kept."""
    return [one for one in model.module.parameters() if one.numel() <= LARGEST][:TENSORS]


def twins_of(model: ModelHeard, heard: Heard) -> list[ModelHeard]:
    """The models that train, and have the class and shapes of one that no optimiser holds."""
    held = {id(weight) for one in heard.optimisers for weight in one.parameters}
    weights = list(model.module.parameters())
    if any(id(weight) in held for weight in weights):
        return []
    found = []
    for one in heard.models:
        if one is model or not one.trained or type(one.module) is not type(model.module):
            continue
        own = list(one.module.parameters())
        alike = [weight.shape for weight in own] == [weight.shape for weight in weights]
        if alike and any(id(weight) in held for weight in own):
            found.append(one)
    return found
