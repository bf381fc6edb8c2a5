"""Trains a small net."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(images))
x = torch.tensor(images, dtype=torch.float32)[order] / 16
y = torch.tensor(labels)[order]
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(8):
    for idx in torch.randperm(1200).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-4)
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
