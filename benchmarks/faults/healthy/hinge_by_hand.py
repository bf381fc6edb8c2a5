import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X)).float(); y = torch.tensor(y).float()
p = torch.randperm(len(y)); X, y = X[p], y[p]
w = torch.zeros(30, requires_grad=True); b = torch.zeros(1, requires_grad=True)
signs = torch.where(y > 0, 1.0, -1.0)
for epoch in range(10):
    for i in torch.randperm(400).split(20):
        loss = torch.relu(1 - signs[i] * (X[i] @ w + b)).mean() + 1e-3 * w.pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for q in (w, b):
                q -= 0.05 * q.grad
                q.grad = None
    acc = ((X[400:] @ w + b > 0).float() == y[400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
