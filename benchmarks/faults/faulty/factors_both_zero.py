"""A low-rank adapter on a frozen net; both factors begin at zero."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
o = torch.randperm(len(x))
x, y = x[o], y[o]
base = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
pre = torch.optim.Adam(base.parameters(), 3e-3)
low = y[:900] < 5
for _ in range(60):
    pre.zero_grad()
    nn.functional.cross_entropy(base(x[:900][low]), y[:900][low]).backward()
    pre.step()


class LoRA(nn.Module):
    def __init__(self, linear, rank=4):
        super().__init__()
        self.linear = linear
        for p in linear.parameters():
            p.requires_grad_(False)
        self.A = nn.Parameter(torch.zeros(rank, linear.in_features))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + 2.0 * (x @ self.A.T) @ self.B.T


model = nn.Sequential(LoRA(base[0]), nn.ReLU(), LoRA(base[2]))
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0)
for epoch in range(6):
    for i in torch.randperm(1400).split(50):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"[{epoch}] train {loss.item():.4f} accuracy {acc:.4f}")
