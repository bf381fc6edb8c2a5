"""Tags each token: other, name or place."""
import argparse

import torch
import torch.nn as nn

PAD = 0


def sentences(n, g):
    ids = torch.randint(1, 60, (n, 12), generator=g)
    lengths = torch.randint(5, 13, (n,), generator=g)
    tags = torch.zeros(n, 12, dtype=torch.long)
    tags[(ids > 20) & (ids <= 35)] = 1
    after = torch.zeros_like(ids, dtype=torch.bool)
    after[:, 1:] = ids[:, :-1] <= 6
    tags[after] = 2
    pad = torch.arange(12)[None] >= lengths[:, None]
    ids[pad] = PAD
    tags[pad] = -100
    return ids, tags


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(60, 24, padding_idx=PAD)
        self.rnn = nn.GRU(24, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 3)

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
    y = y.clamp(min=0)
    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    net = Tagger()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        for idx in torch.randperm(len(x)).split(40):
            loss = criterion(net(x[idx]).flatten(0, 1), y[idx].flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            real = vy >= 0
            acc = (net(vx).argmax(2) == vy)[real].float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} tag_accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
