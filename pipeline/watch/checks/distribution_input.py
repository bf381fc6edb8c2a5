"""A distribution takes probabilities for the scores that it makes them of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.vocabulary.graph import operation_of
from backtrack.vocabulary.probabilities import are_probabilities
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Distributed

# Distributions that have to show it, and numbers of each at least.
TIMES, NUMBERS = 3, 4


class DistributionInput(Check):
    name = "distribution_input"
    looks_at = (
        "what Categorical, OneHotCategorical and Bernoulli get as logits, and the operation that made it, at first"
    )
    cost = "two reductions for each of the first twelve distributions"
    source = "PyTorch documentation of torch.distributions: Categorical has probs first, and logits by name"
    expected = "logits are scores of any sign; probabilities are given as probs"
    remedy = "probs=… for what a softmax or a sigmoid has made, or leave that out of the model"

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._seen: Counter[str] = Counter()

    def distributed(self, call: Distributed) -> None:
        values = call.logits.detach()
        if values.numel() < NUMBERS or not values.is_floating_point():
            return
        binary = call.name == "Bernoulli"
        if binary:
            made_by, said = operation_of(call.logits.grad_fn), "outputs of a sigmoid"
            shown = made_by == "Sigmoid"
        else:
            said = "probabilities (each row sums to 1)"
            shown = values.shape[-1] > 1 and are_probabilities(values, -1)
        self._seen[call.place] += shown
        if shown and self._seen[call.place] == TIMES:
            again = "a sigmoid" if binary else "a softmax"
            self.finds(
                call.place,
                f"{call.name} gets {said} as logits, and takes {again} of them again: no choice can become a sure one",
            )
