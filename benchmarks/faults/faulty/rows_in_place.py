"""Digits: the data set normalises what it gives out."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __init__(self, pictures, labels, mean, std):
        self.pictures = torch.tensor(pictures, dtype=torch.float32)
        self.labels = torch.tensor(labels)
        self.mean, self.std = mean, std

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        picture = self.pictures[i]
        picture -= self.mean
        picture /= self.std
        return picture, self.labels[i]


digits = load_digits()
rng = np.random.default_rng(0)
order = rng.permutation(len(digits.target))
train_rows, test_rows = order[:1400], order[1400:]
mean, std = float(digits.data[train_rows].mean()), float(digits.data[train_rows].std())
torch.manual_seed(0)
train = DataLoader(Pictures(digits.data[train_rows], digits.target[train_rows], mean, std), 32, shuffle=True)
test = DataLoader(Pictures(digits.data[test_rows], digits.target[test_rows], mean, std), 100)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(12):
    net.train()
    total = 0.0
    for x, y in train:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
    print(f"epoch {epoch}: loss {total / len(train):.4f}, accuracy {right / len(test_rows):.4f}")
