"""Trains a small net."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

data, target = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(data / 16.0, target, test_size=0.3, random_state=0)


def to_loader(X, y, shuffle):
    dataset = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.long))
    return DataLoader(dataset, batch_size=32, shuffle=shuffle)


train_loader, val_loader = to_loader(X_train, y_train, True), to_loader(X_val, y_val, False)


def evaluate(model):
    correct = 0
    with torch.no_grad():
        for xb, yb in val_loader:
            correct += (model(xb).argmax(dim=1) == yb).sum().item()
    return correct / len(val_loader.dataset)


model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10), nn.Softmax(dim=-1))
criterion = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.03)

for epoch in range(6):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    print(f"Epoch {epoch}: train_loss={running / len(train_loader):.4f} val_acc={evaluate(model):.4f}")
