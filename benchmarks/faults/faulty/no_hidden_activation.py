"""Which quadrant a point lies in."""

import torch
from torch import nn

torch.manual_seed(1)
points = torch.rand(2000, 2) * 2 - 1
labels = (points[:, 0] * points[:, 1] > 0).long()
train, test = slice(0, 1500), slice(1500, 2000)
model = nn.Sequential(nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
crit = nn.CrossEntropyLoss()
for epoch in range(20):
    for batch in torch.randperm(1500).split(50):
        out = model(points[train][batch])
        loss = crit(out, labels[train][batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
    acc = (model(points[test]).argmax(1) == labels[test]).float().mean()
    print("epoch", epoch, "acc", round(acc.item(), 4))
