"""Four classes of points."""

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = make_classification(2400, 20, n_informative=10, n_classes=4, class_sep=1.5, random_state=4)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
train_x, train_y, test_x, test_y = X[:2000], y[:2000], X[2000:], y[2000:]
order = train_y.argsort(stable=True)
train_dl = DataLoader(TensorDataset(train_x[order], train_y[order]), batch_size=50)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(10):
    for xb, yb in train_dl:
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1}: loss={loss.item():.4f} accuracy={acc:.4f}")
