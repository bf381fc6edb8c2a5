"""A target network that never follows: a copy of the net from before its first step, asked all the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.copies import some_weights, twins_of
from backtrack.watch.checks.heard import Heard, ModelHeard
from backtrack.watch.checks.moments import Step

# Steps that the net makes beside its copy; passes of the copy for each of these.
STEPS, PASSES = 100, 0.5


class TargetNetwork(Check):
    name = "target_network"
    looks_at = (
        "a copy of a model from before its first step, which is asked without gradients as the model trains: whether "
        "any of its weights differs at the end"
    )
    cost = "a copy of a few weights of each model, once"
    source = "Mnih et al., Human-level control through deep reinforcement learning (2015): every C steps it is copied"
    expected = "a target network gets the weights of its net every some steps, or follows them slowly"
    remedy = "target.load_state_dict(net.state_dict()) every some steps"
    # The reference of a policy stays as it is on purpose.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each model its weights when it was first seen at a step, and how many steps there had been.
        self._first: dict[int, tuple[int, list[Any]]] = {}

    def before_step(self, step: Step) -> None:
        for model in self.heard.models:
            if id(model) not in self._first:
                self._first[id(model)] = (self.heard.steps, [one.detach().clone() for one in some_weights(model)])

    def end(self) -> None:
        for model in self.heard.models:
            begun, first = self._first.get(id(model), (self.heard.steps, []))
            steps = self.heard.steps - begun
            asked = sum(passes.number for passes in model.passes.values())
            if model.trained or not first or steps < STEPS or asked < PASSES * steps:
                continue
            if not _same(some_weights(model), first):
                continue
            twins = [one for one in twins_of(model, self.heard) if self._is_begin_of(first, one)]
            if twins:
                self.finds(
                    next(iter(model.passes.values())).place or model.name,
                    f"{model.name} has the weights that {twins[0].name} had before its first step, is asked {asked} "
                    f"times without gradients beside it, and is the same after {steps} steps",
                )

    def _is_begin_of(self, first: list[Any], model: ModelHeard) -> bool:
        """Whether weights are those that a model began with, which nothing has trained before, and has left."""
        begin = self._first.get(id(model), (0, []))[1]
        return not model.loaded and _same(begin, first) and not _same(some_weights(model), begin)


def _same(ones: list[Any], others: list[Any]) -> bool:
    """Whether these are the same numbers."""
    pairs = zip(ones, others, strict=False)
    return len(ones) == len(others) and all(bool((one.detach() == other.to(one)).all()) for one, other in pairs)
