"""Hands of cards are sets: attention that need not know the order says whether there is a pair."""
import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=15)
args = parser.parse_args()
torch.manual_seed(args.seed)
g = torch.Generator().manual_seed(3)
hands = torch.stack([torch.randperm(24, generator=g)[:4] for _ in range(3000)])
ranks = (hands // 4).sort(dim=1).values
labels = (ranks[:, 1:] == ranks[:, :-1]).sum(1).clamp(max=2)


class Cards(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.card = nn.Embedding(24, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.body(self.card(x)).mean(dim=1))


model = Cards()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
train, test = slice(0, 2400), slice(2400, 3000)
for epoch in range(args.epochs):
    model.train()
    for rows in torch.randperm(2400).split(64):
        loss = nn.functional.cross_entropy(model(hands[train][rows]), labels[train][rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(hands[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} test_acc {acc:.4f}")
