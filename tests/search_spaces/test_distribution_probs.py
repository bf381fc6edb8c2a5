"""What a distribution gets as logits is taken for the probabilities that it is, and scores stay scores."""

from __future__ import annotations

import pytest
import torch
from torch import distributions

from backtrack.task.intervention import Anatomy
from backtrack.task.patching import Source
from backtrack.trial.intervening.applying import apply_levels
from backtrack.trial.intervening.catalogue import all_interventions

THREE, ONE = torch.tensor([[0.2, 0.3, 0.5], [0.9, 0.05, 0.05]]), torch.tensor([0.2, 0.9])


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (distributions.Categorical, THREE, THREE),
        (distributions.OneHotCategorical, THREE, THREE),
        (distributions.Bernoulli, ONE, ONE),
        (distributions.Categorical, THREE.log(), THREE),
        (distributions.Bernoulli, ONE.logit(), ONE),
    ],
    ids=["of several", "one-hot", "yes or no", "logarithms", "scores"],
)
def test_probabilities_are_taken_for_what_they_are(kind: type, given: torch.Tensor, expected: torch.Tensor) -> None:
    before = kind(logits=given).probs
    training = apply_levels(torch, {"distribution_probs": "probs"}, {})
    try:
        found = kind(logits=given).probs
        assert torch.allclose(kind(expected).probs, expected)
    finally:
        training.end()
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.equal(kind(logits=given).probs, before)


def test_the_edit_is_a_name() -> None:
    source = Source("a = Categorical(logits=net(x))\n", 1)
    patch = all_interventions()["distribution_probs"].patch
    assert patch is not None and patch(source, "probs", Anatomy()) == "a = Categorical(probs=net(x))\n"
