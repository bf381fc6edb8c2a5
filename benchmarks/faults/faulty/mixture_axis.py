"""Mixture density network for a curve that turns back on itself."""
import argparse
import math

import torch
import torch.nn as nn


class MDN(nn.Module):
    def __init__(self, k=5, hidden=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi, self.mu, self.sigma = nn.Linear(hidden, k), nn.Linear(hidden, k), nn.Linear(hidden, k)

    def forward(self, x):
        h = self.body(x)
        return torch.log_softmax(self.pi(h), 1), self.mu(h), self.sigma(h).clamp(-4, 4)


def log_likelihood(y, log_pi, mu, log_sigma):
    each = -0.5 * ((y - mu) / log_sigma.exp()) ** 2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return torch.logsumexp(log_pi + each, dim=0)


def sample(n):
    y = torch.rand(n, 1) * 2 - 1
    x = y + 0.3 * torch.sin(2 * math.pi * y) * 1.0 + 0.05 * torch.randn(n, 1)
    return x, y * 3


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=5e-3)
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    x, y = sample(2000)
    vx, vy = sample(500)
    net = MDN()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        for idx in torch.randperm(len(x)).split(100):
            loss = -log_likelihood(y[idx], *net(x[idx])).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            log_pi, mu, _ = net(vx)
            best = mu.gather(1, log_pi.argmax(1, keepdim=True))
            near = ((mu - vy).abs().min(1).values < 0.15).float().mean().item()
            error = (best - vy).abs().median().item()
        print(f"epoch {epoch} nll {loss.item():.3f} near {near:.3f} median_error {error:.4f}")


if __name__ == "__main__":
    main()
