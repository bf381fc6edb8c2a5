import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0)).float()
y = torch.tensor(y).float()
order = torch.randperm(len(X), generator=torch.Generator().manual_seed(3))
X, y = X[order], y[order]
net = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)


def entropy(p, t):
    return -(t * torch.log(p + 1e-7) + (1 - t) * torch.log(1 - p + 1e-7)).mean()


for epoch in range(10):
    for batch in torch.randperm(420).split(30):
        optimizer.zero_grad()
        loss = entropy(torch.sigmoid(net(X[batch])), y[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = ((net(X[420:]).squeeze(1) > 0) == y[420:].bool()).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
