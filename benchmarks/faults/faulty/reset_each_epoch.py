import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_moons

X, y = make_moons(1500, noise=0.15, random_state=5)
X = torch.from_numpy(X.astype(np.float32))
y = torch.from_numpy(y).long()
Xtr, ytr, Xte, yte = X[:1200], y[:1200], X[1200:], y[1200:]


def weights_init(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


class MLP(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        return self.layers(x)


def run_epoch(model, optimizer, criterion):
    model.apply(weights_init)
    model.train()
    for idx in torch.randperm(len(Xtr)).split(100):
        optimizer.zero_grad()
        loss = criterion(model(Xtr[idx]), ytr[idx])
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(0)
model = MLP()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(30):
    loss = run_epoch(model, optimizer, criterion)
    model.eval()
    with torch.no_grad():
        acc = (model(Xte).argmax(1) == yte).float().mean().item()
    print("epoch %d loss %.4f val_acc %.4f" % (epoch, loss, acc))
