"""Ratings of films: users and films have vectors, and biases."""
import argparse

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=15)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = np.random.default_rng(11)
N = 120
taste, kind = rng.normal(0, 1, (N, 3)), rng.normal(0, 1, (N, 3))
user_bias, film_bias = rng.normal(0, 0.6, N), rng.normal(0, 0.9, N)
pairs = rng.permutation(N * N)[:6000]
users, films = pairs // N, pairs % N
ratings = 3 + user_bias[users] + film_bias[films] + (taste[users] * kind[films]).sum(1) * 0.4 + rng.normal(0, 0.2, 6000)
table = np.stack([users, films], axis=1)
train_ids, test_ids = torch.tensor(table[:5000]), torch.tensor(table[5000:])
train_y = torch.tensor(ratings[:5000], dtype=torch.float32)
test_y = torch.tensor(ratings[5000:], dtype=torch.float32)


class Factors(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.user, self.film = nn.Embedding(N, dim), nn.Embedding(N, dim)
        self.user_bias, self.film_bias = nn.Embedding(N, 1), nn.Embedding(N, 1)
        self.mean = nn.Parameter(torch.zeros(1))
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.film_bias):
            nn.init.zeros_(table.weight)

    def forward(self, user, film):
        biases = self.user_bias(user).squeeze(1) + self.film_bias(film).squeeze(1)
        return self.mean + biases + (self.user(user) * self.film(film)).sum(1)


model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-5)
for epoch in range(args.epochs):
    order = torch.randperm(5000)
    for batch in order.split(128):
        user, film = train_ids[batch].unbind(1)
        loss = nn.functional.mse_loss(model(user, film), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        film, user = test_ids.unbind(1)
        rmse = nn.functional.mse_loss(model(user, film), test_y).sqrt().item()
    print(f"epoch {epoch} loss {loss.item():.4f} test_rmse {rmse:.4f}")
