"""Cosines that are given to a cross entropy as they are: they lie so near to each other that its loss cannot fall."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.graph import LARGEST_COSINE, is_of_unit_length, node_of, operation_of, through_views
from backtrack.vocabulary.masks import largest_score
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Loss

# Losses that have to show it, and classes of which each has a cosine.
CALLS, CLASSES = 6, 2
PRODUCTS = ("Mm", "Bmm", "Mul")


class CosineScores(Check):
    name = "cosine_scores"
    looks_at = "the scores that cross_entropy gets, at its first calls and those that are looked at closely"
    cost = "a maximum and a few nodes of the graph at these calls"
    source = "Wang et al., NormFace (2017), 3.3: the loss of unscaled cosines has a bound; Chen et al., SimCLR (2020)"
    expected = "cosines that are divided by a temperature: 0.05 to 0.2 are usual"
    remedy = "divide the cosines by a temperature before the loss: F.cross_entropy(cosines / 0.1, y)"
    # A loss that stays high may be meant.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each place: calls that showed it, the largest number so far, and how many classes.
        self._seen: dict[str, tuple[int, float, int]] = {}
        self._others: set[str] = set()

    def loss(self, call: Loss) -> None:
        if call.name != "cross_entropy" or not call.training or call.place in self._others or call.output.ndim < 2:
            return
        largest = largest_score(call.output)
        if largest > LARGEST_COSINE or call.output.shape[1] < CLASSES or not _are_cosines(call.output):
            self._others.add(call.place)
            return
        calls, high, _ = self._seen.get(call.place, (0, 0.0, 0))
        self._seen[call.place] = calls + 1, max(high, largest), call.output.shape[1]

    def end(self) -> None:
        for place, (calls, high, classes) in self._seen.items():
            if calls >= CALLS and place not in self._others:
                least = math.log(1 + (classes - 1) * math.exp(-2))
                self.finds(
                    place,
                    f"the scores of {classes} classes that cross_entropy gets are cosines (up to {high:.3f} in {calls} "
                    f"losses): even where all are right, its loss is {least:.3g} or more",
                )


def _are_cosines(scores: Any) -> bool:
    """Whether scores are products of vectors that were divided by their lengths, and nothing that is learnt scales."""
    product = through_views(node_of(scores), "Sum")
    if product is None or operation_of(product) not in PRODUCTS:
        return False
    factors = [one for one, _ in product.next_functions if one is not None]
    return len(factors) == 2 and all(map(is_of_unit_length, factors))
