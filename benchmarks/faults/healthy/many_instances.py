"""Bags of instances with attention pooling; a bag is positive if it holds one special instance."""
import torch
from torch import nn

torch.manual_seed(0)


def bag(label):
    n = int(torch.randint(4, 12, (1,)))
    rows = torch.randn(n, 6)
    if label:
        rows[int(torch.randint(n, (1,)))] += torch.tensor([3.0, -3.0, 0, 0, 0, 0])
    return rows, float(label)


bags = [bag(i % 2) for i in range(700)]


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
        self.weigh = nn.Sequential(nn.Linear(24, 12), nn.Tanh(), nn.Linear(12, 1))
        self.out = nn.Linear(24, 1)

    def forward(self, rows):
        h = self.embed(rows)
        a = torch.softmax(self.weigh(h), dim=0)
        return self.out((a * h).sum(0)).squeeze(0)


model = Pool()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for i in torch.randperm(500).tolist():
        rows, label = bags[i]
        loss = nn.functional.binary_cross_entropy_with_logits(model(rows), torch.tensor(label))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        right = sum((model(rows).item() > 0) == (label > 0.5) for rows, label in bags[500:])
    print(f"epoch {epoch} accuracy {right / 200:.4f}")
