"""Of examples that are told by several numbers, examples are held back, and not all that share the first number."""

from __future__ import annotations

import torch
from torch import nn

from backtrack.trial.intervening.applying import apply_levels

USERS = FILMS = 12
PAIRS = torch.cartesian_prod(torch.arange(USERS), torch.arange(FILMS))


class Factors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.user, self.film = nn.Embedding(USERS, 3), nn.Embedding(FILMS, 3)

    def forward(self, user: torch.Tensor, film: torch.Tensor) -> torch.Tensor:
        return (self.user(user) * self.film(film)).sum(1)


def test_every_user_and_every_film_is_trained() -> None:
    torch.manual_seed(0)
    net = Factors()
    before = [one.weight.detach().clone() for one in (net.user, net.film)]
    training = apply_levels(torch, {"held_back": "quarter"}, {})
    try:
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        ratings = torch.randn(len(PAIRS))
        alone = torch.zeros(len(PAIRS))
        for rows in torch.randperm(len(PAIRS)).split(24):
            said = net(*PAIRS[rows].T)
            optimiser.zero_grad()
            said.retain_grad()
            nn.functional.mse_loss(said, ratings[rows]).backward()
            alone[rows] = said.grad
            optimiser.step()
    finally:
        training.end()
    held = (alone == 0).view(USERS, FILMS)
    assert 0.1 < float(held.float().mean()) < 0.4
    for own, table in zip(before, (net.user, net.film), strict=True):
        assert bool((own != table.weight).any(1).all())
