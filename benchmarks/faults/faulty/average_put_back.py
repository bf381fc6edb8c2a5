import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(13)
d = load_digits()
x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
train_x, train_y, val_x, val_y = x[:1400], y[:1400], x[1400:], y[1400:]

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
average = copy.deepcopy(model)
DECAY = 0.999


@torch.no_grad()
def update_average():
    for slow, fast in zip(average.parameters(), model.parameters()):
        slow.mul_(DECAY).add_(fast, alpha=1 - DECAY)
        fast.copy_(slow)


optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(10):
    for idx in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(train_x[idx]), train_y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_average()
    with torch.no_grad():
        val_acc = (model(val_x).argmax(1) == val_y).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} val_acc {val_acc:.4f}")
