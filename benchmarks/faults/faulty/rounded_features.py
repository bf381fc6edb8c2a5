"""An encoder of small integers, and a read-out."""
import torch
from torch import nn

torch.manual_seed(0)
N = 1500
x = torch.randn(N, 8)
w = torch.randn(8, 8)
y = ((x @ w).tanh().sum(1) + (x[:, 0] * x[:, 1]) > 0).long()


class Quantised(nn.Module):
    def __init__(self, levels=8):
        super().__init__()
        self.levels = levels

    def forward(self, h):
        return torch.round(torch.tanh(h) * self.levels) / self.levels


encoder = nn.Sequential(nn.Linear(8, 4), Quantised(1))
readout = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
model = nn.Sequential(encoder, readout)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for rows in torch.randperm(1100).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(x[1100:]).argmax(1) == y[1100:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
