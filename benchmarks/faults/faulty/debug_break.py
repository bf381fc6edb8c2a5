import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
MAX_BATCHES = 2  # for a quick look


def loaders():
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32) / 16
    y = torch.tensor(d.target)
    return (
        DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=16),
        DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=397),
    )


def run_epoch(model, loader, optimizer=None):
    total, right, seen = 0.0, 0, 0
    for i, (x, y) in enumerate(loader):
        if optimizer is not None and i >= MAX_BATCHES:
            break
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(x)
        right += (out.argmax(1) == y).sum().item()
        seen += len(x)
    return total / seen, right / seen


train_loader, val_loader = loaders()
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(40):
    train_loss, train_acc = run_epoch(model, train_loader, optimizer)
    with torch.no_grad():
        val_loss, val_acc = run_epoch(model, val_loader)
    print(f"{epoch}: train_loss {train_loss:.4f} train_acc {train_acc:.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")
