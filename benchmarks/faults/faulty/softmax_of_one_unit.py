"""Trains a small net."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(3)
features = rng.normal(size=(900, 8)).astype("float32")
truth = features @ rng.normal(size=8) + np.sin(2 * features[:, 0]) + 0.2 * rng.normal(size=900)
truth = (truth > 0).astype("float32")
X, Y = torch.from_numpy(features), torch.from_numpy(truth)
X_tr, Y_tr, X_te, Y_te = X[:700], Y[:700], X[700:], Y[700:]

model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1), nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.BCELoss()
for epoch in range(15):
    for idx in torch.randperm(700).split(32):
        optimizer.zero_grad()
        loss = criterion(model(X_tr[idx]).squeeze(1), Y_tr[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = ((model(X_te).squeeze(1) > 0.5).float() == Y_te).float().mean().item()
    print({"epoch": epoch, "loss": loss.item(), "accuracy": acc})
