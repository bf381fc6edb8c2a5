"""Looks a value up by its key."""
import math

import torch
from torch import nn

torch.manual_seed(0)
KEYS, VALUES, SLOTS, D = 12, 6, 5, 32


def batch(n):
    keys = torch.stack([torch.randperm(KEYS)[:SLOTS] for _ in range(n)])
    values = torch.randint(0, VALUES, (n, SLOTS))
    which = torch.randint(0, SLOTS, (n,))
    rows = torch.arange(n)
    return keys, values, keys[rows, which], values[rows, which]


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.value = nn.Embedding(KEYS, D), nn.Embedding(VALUES, D)
        self.q, self.k, self.v = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)
        self.out = nn.Linear(D, VALUES)

    def forward(self, keys, values, asked):
        q = self.q(self.key(asked))[:, None]
        k, v = self.k(self.key(keys)), self.v(self.value(values))
        scores = (q * k).sum(-1) * math.sqrt(D) * D
        return self.out((scores.softmax(-1)[..., None] * v).sum(1))


model = Lookup()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
train, test = batch(2000), batch(500)
for epoch in range(12):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(*(part[rows] for part in train[:3])), train[3][rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(*test[:3]).argmax(1) == test[3]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
