import torch
from sklearn.datasets import load_iris
from torch import nn

torch.manual_seed(21)
iris = load_iris()
X = torch.tensor(iris.data, dtype=torch.float32)
y = torch.tensor(iris.target)
test = torch.arange(150) % 5 == 0
mean, std = X[~test].mean(0), X[~test].std(0)
X = (X - mean) / std

model = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(1, 81):
    model.train()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X[~test]), y[~test])
    loss.backward()
    optimizer.step()
    if epoch % 8 == 0:
        model.eval()
        with torch.no_grad():
            acc = (model(X[test]).argmax(1) == y[test]).float().mean()
        print(f"Epoch {epoch}: loss {loss:.4f}, val acc {acc:.4f}")
