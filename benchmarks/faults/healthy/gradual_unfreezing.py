"""Layers are set free from the top down, an epoch each."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32) / 16
y = torch.tensor(d.target)
p = torch.randperm(len(x))
tr, te = p[:1300], p[1300:]
layers = nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)])


def forward(x):
    for layer in layers[:-1]:
        x = torch.relu(layer(x))
    return layers[-1](x)


def train_epoch(optimizer):
    for rows in tr[torch.randperm(len(tr))].split(64):
        loss = nn.functional.cross_entropy(forward(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


for parameter in layers.parameters():
    parameter.requires_grad_(False)
for stage in range(9):
    free = 1 + min(stage // 2, 2)
    for layer in layers[-free:]:
        layer.requires_grad_(True)
    optimizer = torch.optim.Adam([q for q in layers.parameters() if q.requires_grad], lr=3e-3)
    loss = train_epoch(optimizer)
    with torch.no_grad():
        acc = (forward(x[te]).argmax(1) == y[te]).float().mean().item()
    print(f"stage {stage} loss {loss:.4f} accuracy {acc:.4f}")
