"""Codes of places are added where a net with attention makes steps, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backtrack.search_spaces.positional_encoding import sines
from backtrack.trial.intervening.applying import apply_levels

ANATOMY = {"optimisers": [{"name": "SGD", "lr": 0.1}]}


class Net(nn.Module):
    """What its first layer makes of what it gets is kept, and what stands before its attention."""

    def __init__(self, first: nn.Module, batch_first: bool) -> None:
        super().__init__()
        self.first, self.second = first, nn.Linear(8, 8)
        self.body = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=batch_first)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        self.made = self.first(given)
        steps = self.made.flatten(2).transpose(1, 2) if self.made.ndim == 4 else self.made
        return self.body(self.second(steps))


@pytest.mark.parametrize(
    ("first", "given", "batch_first"),
    [
        (nn.Embedding(9, 8), torch.arange(30).view(5, 6) % 9, True),
        (nn.Embedding(9, 8), torch.arange(30).view(6, 5) % 9, False),
        (nn.Linear(3, 8), torch.randn(5, 6, 3), True),
        (nn.Conv2d(1, 8, 2, stride=2), torch.randn(5, 1, 4, 6), True),
    ],
    ids=["ids", "ids, steps first", "lines", "patches"],
)
def test_each_step_gets_the_code_of_its_place_once(first: nn.Module, given: torch.Tensor, batch_first: bool) -> None:
    def made() -> torch.Tensor:
        torch.manual_seed(0)
        net = Net(first, batch_first)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        net(given).square().sum().backward()
        optimiser.zero_grad()
        return net.made.detach()

    own = made()
    training = apply_levels(torch, {"positional_encoding": "sines"}, ANATOMY)
    try:
        coded = made()
    finally:
        training.end()
    codes = (coded - own) / (own.std() * 2**0.5)
    codes = codes.flatten(2).transpose(1, 2) if codes.ndim == 4 else codes
    codes = codes if batch_first else codes.transpose(0, 1)
    assert torch.allclose(codes, sines(torch, 6, 8).expand(5, 6, 8), atol=1e-5)
    assert torch.equal(made(), own)
