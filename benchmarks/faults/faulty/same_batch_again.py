"""Sine regression; a generator of batches."""
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1500)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--hidden", type=int, default=64)
args = parser.parse_args()

gen = torch.Generator().manual_seed(11)
x_all = torch.rand(3000, 2, generator=gen) * 6 - 3
y_all = torch.sin(x_all[:, 0]) * torch.cos(x_all[:, 1]) + 0.05 * torch.randn(3000, generator=gen)
x_train, y_train, x_val, y_val = x_all[:2500], y_all[:2500], x_all[2500:], y_all[2500:]


def get_batch(size=16):
    torch.manual_seed(42)
    index = torch.randint(0, len(x_train), (size,))
    return x_train[index], y_train[index]


model = nn.Sequential(nn.Linear(2, args.hidden), nn.Tanh(), nn.Linear(args.hidden, args.hidden), nn.Tanh(), nn.Linear(args.hidden, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
for step in range(args.steps):
    x, y = get_batch()
    loss = (model(x).squeeze(1) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (step + 1) % 150 == 0:
        with torch.no_grad():
            val = (model(x_val).squeeze(1) - y_val).pow(2).mean().item()
        print(f"step {step + 1} train {loss.item():.5f} val_mse {val:.5f}")
