"""Forecasts every next value of a batch of series; time comes first, as torch's recurrent layers have it."""
import argparse

import torch
import torch.nn as nn


def series(n, length, g):
    t = torch.arange(length + 1.0)[:, None]
    f = 0.2 + 0.5 * torch.rand(n, generator=g)
    x = torch.sin(f * t + 6.28 * torch.rand(n, generator=g)) + 0.05 * torch.randn(length + 1, n, generator=g)
    return x.unsqueeze(2)


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm, self.out = nn.LSTM(1, hidden), nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(11)
    train, held = series(960, 20, g), series(200, 20, g)
    net = Forecaster()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    criterion = nn.MSELoss()
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(train.shape[1]).split(48):
            batch = train[:, idx]
            loss = criterion(net(batch[:-1]), batch[1:])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            error = criterion(net(held[:-1])[5:], held[6:]).item()
        print(f"epoch {epoch} train_loss {total / 20:.4f} val_mse {error:.5f}")


if __name__ == "__main__":
    main()
