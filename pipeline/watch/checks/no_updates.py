"""Gradients are computed, no optimiser steps, and no weight moves: updates by hand that reach none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.graph import SMALL, weights_behind
from backtrack.watch.checks.check import Check, joined
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Backward
from backtrack.watch.listening.holders import holders_of
from backtrack.watch.listening.tensors import tensors_in

# Backward passes that are needed, and weights that are followed.
LEAST, WEIGHTS = 20, 4


class NoUpdates(Check):
    name = "no_updates"
    looks_at = "whether any weight moves from one backward pass to the next, where no optimiser steps"
    cost = "a copy of four small weights, and a comparison a pass, in the first passes, until an optimiser steps"
    source = "PyTorch documentation of torch.optim: `p = p - lr * p.grad` gives another tensor the name p"
    expected = "weights that an optimiser's step moves, or that are changed in place"
    remedy = (
        "make an optimiser of model.parameters() and call its step() after loss.backward(); by hand, change each "
        "weight in place: p -= lr * p.grad, under torch.no_grad()"
    )

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._first: list[tuple[Any, Any]] = []
        self._place, self._passes, self._moved = "", 0, False

    def backward(self, call: Backward) -> None:
        if self.heard.steps or self._moved:
            return
        weights = [one for one in weights_behind(call.loss) if one.numel() <= SMALL][:WEIGHTS]
        if not self._passes:
            self._first = [(one, one.detach().clone()) for one in weights]
        # A program may also put others in their place: w = (w - lr * w.grad).detach().requires_grad_().
        known = {id(one) for one, _ in self._first}
        self._moved = self._have_moved() or not known.issuperset(map(id, weights))
        self._place, self._passes = call.place or self._place, self._passes + 1

    def _have_moved(self) -> bool:
        return any(bool((one.detach() != old).any()) for one, old in self._first)

    def end(self) -> None:
        if self.heard.steps or self._moved or self._passes < LEAST or not self._first or self._have_moved():
            return
        still = [one for one, _ in self._first]
        given = tensors_in(self.heard.last[1]) if self.heard.last is not None else []
        # Where inputs are sought for a net, that stays. One that an optimiser holds is told of elsewhere.
        if any(one.requires_grad for one in given) or holders_of(still):
            return
        names = [self.heard.name_of(one) for one in still]
        self.finds(
            self._place or joined(names),
            f"{self.heard.backwards} backward passes, and no step of an optimiser: {joined(names)} are what they were "
            "before the first",
        )
