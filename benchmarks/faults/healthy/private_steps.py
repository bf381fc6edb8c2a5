"""Gradients of single examples are clipped and noise is added before the mean."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.func import functional_call, grad, vmap


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=0.5)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--noise", type=float, default=0.4)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    net = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 10))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr)

    def loss_of(weights, one, label):
        return nn.functional.cross_entropy(functional_call(net, weights, (one[None],)), label[None])

    each = vmap(grad(loss_of), in_dims=(None, 0, 0))
    for epoch in range(args.epochs):
        for idx in torch.randperm(1300).split(64):
            grads = each({k: v.detach() for k, v in net.named_parameters()}, x[idx], y[idx])
            norms = torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)
            scale = (args.clip / norms).clamp(max=1.0)
            for name, weight in net.named_parameters():
                g = torch.einsum("b,b...->...", scale, grads[name])
                weight.grad = (g + args.noise * args.clip * torch.randn_like(g)) / len(idx)
            opt.step()
            opt.zero_grad()
        with torch.no_grad():
            acc = (net(x[1300:]).argmax(1) == y[1300:]).float().mean().item()
        print(f"epoch {epoch} accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
