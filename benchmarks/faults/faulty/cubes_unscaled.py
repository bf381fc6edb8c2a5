"""A net that shall learn a cube, as somebody asked."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)


class Cube(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(1, 40)
        self.two = nn.Linear(40, 40)
        self.out = nn.Linear(40, 1)

    def forward(self, x):
        return self.out(F.relu(self.two(F.relu(self.one(x)))))


numbers = torch.arange(-60, 60).float() / 30
cubes = torch.tensor([300 * number**3 for number in numbers])
order = torch.randperm(120)
train, test = order[:90], order[90:]
numbers, cubes = numbers[:, None], cubes[:, None]
net = Cube()
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for epoch in range(200):
    for rows in train.split(15):
        optimizer.zero_grad()
        loss = F.mse_loss(net(numbers[rows]), cubes[rows])
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        with torch.no_grad():
            off = F.mse_loss(net(numbers[test]), cubes[test])
        print(f"epoch {epoch} loss {loss.item():.5g} r2 {1 - (off / cubes[test].var()).item():.4f}")
