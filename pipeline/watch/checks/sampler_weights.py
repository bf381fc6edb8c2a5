"""A sampler that has fewer weights than there are examples: those behind are never drawn."""

from __future__ import annotations

from backtrack.vocabulary.dataset_rows import length_of
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Iterated


class SamplerWeights(Check):
    name = "sampler_weights"
    looks_at = "how many weights the sampler of a DataLoader has, and how many examples its dataset"
    cost = "a comparison of two numbers, where a loop over a DataLoader begins"
    source = "PyTorch documentation of WeightedRandomSampler: a sequence of weights, not necessary summing up to one"
    expected = "a weight for each example"
    remedy = "give a weight for each example, such as class_weights[labels], and not one for each class"
    of_data = True

    def iterated(self, call: Iterated) -> None:
        examples = length_of(call.data)
        if 0 < call.weights < examples:
            self.finds(
                call.place,
                f"the sampler has {call.weights:,} weights for {examples:,} examples: only the first "
                f"{call.weights:,} are ever drawn",
            )
