"""Tags words; sentences are columns, and the loss takes all of them flattened."""
import argparse

import torch
import torch.nn as nn


def sentences(n, g):
    ids = torch.randint(1, 50, (10, n), generator=g)
    tags = (ids > 30).long()
    tags[1:][ids[:-1] <= 8] = 2
    return ids, tags


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.rnn, self.out = nn.Embedding(50, 24), nn.GRU(24, 32), nn.Linear(32, 3)

    def forward(self, ids):
        return self.out(self.rnn(self.emb(ids))[0])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(3)
    (x, y), (vx, vy) = sentences(1200, g), sentences(300, g)
    net = Tagger()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        for idx in torch.randperm(1200).split(40):
            loss = nn.functional.cross_entropy(net(x[:, idx]).view(-1, 3), y[:, idx].reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            acc = (net(vx).argmax(2) == vy).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} tag_accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
