"""Ratings from two tables of factors, moved in turns by two optimisers."""
import torch
from torch import nn

torch.manual_seed(0)
U, I, K = 120, 80, 4
truth = torch.randn(U, K) @ torch.randn(I, K).T / 2
known = torch.rand(U, I) < 0.3
rows, cols = known.nonzero(as_tuple=True)
ratings = truth[rows, cols] + 0.1 * torch.randn(len(rows))
held = ~known
users, items = nn.Embedding(U, K), nn.Embedding(I, K)
opts = [torch.optim.Adam(users.parameters(), lr=0.05), torch.optim.Adam(items.parameters(), lr=0.05)]
for sweep in range(40):
    for opt in opts:
        for part in torch.randperm(len(rows)).split(512):
            guess = (users(rows[part]) * items(cols[part])).sum(1)
            loss = nn.functional.mse_loss(guess, ratings[part])
            for one in opts:
                one.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        rmse = ((users.weight @ items.weight.T - truth)[held] ** 2).mean().sqrt().item()
    print(f"sweep {sweep} loss {loss.item():.4f} held_rmse {rmse:.4f}")
