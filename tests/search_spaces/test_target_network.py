"""Target networks that follow, and copies that are left as they are."""

from __future__ import annotations

import copy

import torch
from test_sums_rows_and_rates import changed, looked
from torch import nn


def way(begun: str = "copy") -> tuple[float, float]:
    """How far a net's copy, and the net, have gone from where they began, after thirty steps."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    target = copy.deepcopy(net) if begun == "copy" else nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    first = [one[0].weight.detach().clone() for one in (target, net)]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    x = torch.randn(8, 3)
    for _ in range(30):
        with torch.no_grad():
            goal = 1 + 0.5 * target(x)
        optimiser.zero_grad()
        nn.functional.mse_loss(net(x), goal).backward()
        optimiser.step()
    ways = [float((one[0].weight.detach() - was).norm()) for one, was in zip((target, net), first, strict=True)]
    return ways[0], ways[1]


def test_a_copy_gets_the_weights_of_its_net_every_25_steps() -> None:
    anatomy = looked(way)
    as_written = way()
    assert as_written[0] == 0
    with changed("target_network", "followed", anatomy):
        followed, net = way()
        assert 0 < followed <= net * 1.2
    assert way() == as_written


def test_a_net_that_is_no_copy_stays() -> None:
    anatomy = looked(lambda: way("another"))
    as_written = way("another")
    with changed("target_network", "followed", anatomy):
        assert way("another") == as_written
