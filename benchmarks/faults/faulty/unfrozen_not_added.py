"""Warm the head up, then train all of it."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
d = load_digits()
x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
p = torch.randperm(len(x))
x, y = x[p], y[p]
body = nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
head = nn.Linear(8, 10)
model = nn.Sequential(body, head)
body.requires_grad_(False)
trainable = [w for w in model.parameters() if w.requires_grad]
optimizer = torch.optim.Adam(trainable, lr=3e-3)
for epoch in range(15):
    if epoch == 2:
        body.requires_grad_(True)
    for i in torch.randperm(1400).split(32):
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = (model(x[1400:]).argmax(1) == y[1400:]).float().mean()
    print("epoch", epoch, "loss", round(loss.item(), 4), "val_acc", round(val.item(), 4))
