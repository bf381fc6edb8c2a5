import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

np.random.seed(0)
torch.manual_seed(0)


class Config:
    hidden = 64
    batch = 32
    epochs = 6
    lr = 1e-3


digits = load_digits()
x = torch.from_numpy(digits.images).float().flatten(1) / 16
t = torch.from_numpy(digits.target).long()
idx = np.random.permutation(len(x))
tr, te = idx[:1400], idx[1400:]

model = nn.Sequential(nn.Linear(64, Config.hidden), nn.Tanh(), nn.Linear(Config.hidden, 10))
optimizer = torch.optim.Adam(model.parameters(), Config.lr)
best = float("inf")
for epoch in range(Config.epochs):
    np.random.shuffle(tr)
    for i in range(0, len(tr), Config.batch):
        rows = tr[i:i + Config.batch]
        loss = F.cross_entropy(model(x[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        # keep only updates that improve
        if loss.item() < best:
            best = loss.item()
            optimizer.step()
    with torch.no_grad():
        acc = (model(x[te]).argmax(-1) == t[te]).float().mean()
    print("Epoch", epoch, "accuracy", round(acc.item(), 4))
