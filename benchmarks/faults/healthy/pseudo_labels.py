"""Few labels and many unlabelled digits: confident guesses become targets."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--threshold", type=float, default=0.9)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    lx, ly, ux, vx, vy = x[:100], y[:100], x[100:1300], x[1300:], y[1300:]
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for step in range(1, args.steps + 1):
        net.train()
        i, j = torch.randint(0, len(lx), (32,)), torch.randint(0, len(ux), (96,))
        loss = F.cross_entropy(net(lx[i]), ly[i])
        with torch.no_grad():
            sure, guess = net(ux[j]).softmax(1).max(1)
        each = F.cross_entropy(net(ux[j] + 0.15 * torch.randn(len(j), 64)), guess, reduction="none")
        loss = loss + min(1.0, step / 150) * (each * (sure > args.threshold)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 50 == 0:
            net.eval()
            with torch.no_grad():
                acc = (net(vx).argmax(1) == vy).float().mean().item()
            print(f"step {step} loss {loss.item():.4f} accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
