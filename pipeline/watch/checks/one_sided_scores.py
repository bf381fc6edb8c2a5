"""Scores of one sign that go through a sigmoid: no probability gets to the other side of a half."""

from __future__ import annotations

from collections.abc import Callable

from backtrack.vocabulary.finding import UNUSUAL, Finding
from backtrack.vocabulary.graph import operation_of
from backtrack.vocabulary.signs import sign_of
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.loss_input import node_behind
from backtrack.watch.checks.moments import Loss

CALLS = 3
# Whose sigmoid is in the loss, and in the model.
INSIDE, BEFORE = "binary_cross_entropy_with_logits", "binary_cross_entropy"
DISTANCES = ("Pow", "Mul", "Sqrt", "LinalgVectorNorm", "Norm", "Cdist", "MseLoss", "L1Loss", "Abs")


class OneSidedScores(Check):
    name = "one_sided_scores"
    looks_at = (
        "what the sigmoid of a binary cross entropy gets, at its first calls: whether that can be of both signs, where "
        "labels are of both kinds"
    )
    cost = "a few nodes of the graph, and two comparisons of the labels at these calls"
    source = (
        "Hadsell, Chopra & LeCun, Dimensionality reduction by learning an invariant mapping (2006): a distance is "
        "compared with a margin"
    )
    expected = "scores of both signs"
    remedy = "leave the activation before the sigmoid out"
    # What is judged by an order of the scores may learn.
    weight = UNUSUAL

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        # Of each place: how many calls showed it, and whether any did not.
        self._seen: dict[str, int] = {}
        self._others: set[str] = set()

    def loss(self, call: Loss) -> None:
        if call.name not in (INSIDE, BEFORE) or not call.training or call.exchanged or call.place in self._others:
            return
        scores = node_behind(call.output)
        if call.name == BEFORE:
            sigmoid = scores is not None and operation_of(scores) == "Sigmoid"
            scores = scores.next_functions[0][0] if sigmoid else None
        sign, operation = sign_of(scores)
        # (That a loss of logits gets a ReLU's outputs is told by `loss_input`.)
        if not sign or (operation == "Relu" and call.name == INSIDE):
            self._others.add(call.place)
            return
        target = call.target.detach()
        if not bool((target < 0.5).any()) or not bool((target > 0.5).any()):
            return
        calls = self._seen[call.place] = self._seen.get(call.place, 0) + 1
        if calls == CALLS:
            self._tell(call.place, sign, operation)

    def _tell(self, place: str, sign: int, operation: str) -> None:
        never, side = ("negative", "below") if sign > 0 else ("positive", "above")
        distance = operation in DISTANCES
        made = "a distance, or another sum of squares or absolute numbers" if distance else operation.lower()
        self.finds(
            place,
            f"what the sigmoid gets is never {never} ({made}): no probability is {side} a half, and labels are of both "
            "kinds",
            remedy="compare the distance with a number before the sigmoid: margin - distance where 1 means alike, "
            "distance - margin where 1 means different"
            if distance
            else f"leave {operation.lower()} before the sigmoid out",
        )
