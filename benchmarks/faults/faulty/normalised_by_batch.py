import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = make_classification(2000, 10, n_informative=7, class_sep=1.5, random_state=9)
X = torch.tensor(X, dtype=torch.float32) * 20 + 30
y = torch.tensor(y)
train_loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(X[1500:], y[1500:]), batch_size=1)
m = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 2))
optimizer = torch.optim.Adam(m.parameters(), lr=1e-3)


def normalise(x):
    return (x - x.mean(0)) / (x.std(0, unbiased=False) + 1e-5)


for epoch in range(10):
    for x, t in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(m(normalise(x)), t)
        loss.backward()
        optimizer.step()
    hits = 0
    with torch.no_grad():
        for x, t in test_loader:
            hits += (m(normalise(x)).argmax(1) == t).sum().item()
    print(f"epoch {epoch} train_loss {loss.item():.4f} test_acc {hits / 500:.4f}")
