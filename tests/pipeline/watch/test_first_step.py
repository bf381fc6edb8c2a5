"""A first step that puts other weights in the place of those that the net began with."""

from __future__ import annotations

import pytest
from listened import listened_to

LOOP = """
def learn(net, opt):
    for i in batches(16):
        opt.zero_grad(); F.cross_entropy(net(X[i]), Y[i]).backward(); opt.step()

net = NET
learn(net, OPT)
"""
DEEP = "nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))"
NORMALISED = "nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))"


def found(net: str, optimiser: str) -> set[str]:
    return listened_to(LOOP.replace("NET", net).replace("OPT", f"torch.optim.{optimiser}")).names


@pytest.mark.parametrize("rate", ["2.5", "30.0"])
def test_a_rate_of_adam_that_replaces_all_weights_is_named(rate: str) -> None:
    assert "first_step" in found(DEEP, f"Adam(net.parameters(), lr={rate})")


@pytest.mark.parametrize(
    ("net", "optimiser"),
    [
        (DEEP, "Adam(net.parameters(), lr=0.1)"),
        (DEEP, "SGD(net.parameters(), lr=1.0)"),
        # One layer, as of a logistic regression: nothing lies behind it.
        ("nn.Sequential(nn.Linear(6, 2))", "Adam(net.parameters(), lr=2.5)"),
        # The first layer keeps its weights.
        (DEEP, "Adam([{'params': net[0].parameters(), 'lr': 1e-3}, {'params': net[2:].parameters()}], lr=2.5)"),
        # Batch normalisation undoes whatever size weights have.
        (NORMALISED, "Adam(net.parameters(), lr=2.5)"),
    ],
)
def test_other_first_steps_are_not(net: str, optimiser: str) -> None:
    assert "first_step" not in found(net, optimiser)
