import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

random.seed(3)
torch.manual_seed(3)
NAMES = "zero one two three four five six seven eight nine".split()
images, digit = load_digits(return_X_y=True)
rows = np.random.default_rng(3).permutation(len(digit))
images, digit = images[rows] / 16, digit[rows]


class Digits(torch.utils.data.Dataset):
    def __init__(self, x, names):
        self.x = torch.tensor(x).float()
        self.classes = {}
        for name in names:
            self.classes.setdefault(name, len(self.classes))
        self.y = torch.tensor([self.classes[name] for name in names])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


names = [NAMES[d] for d in digit]
train, valid = Digits(images[:1300], names[:1300]), Digits(images[1300:], names[1300:])
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for x, y in torch.utils.data.DataLoader(train, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in torch.utils.data.DataLoader(valid, batch_size=128):
            right += (model(x).argmax(1) == y).sum().item()
    print(f"Epoch {epoch}: train loss {loss.item():.4f}, valid accuracy {right / len(valid):.4f}")
