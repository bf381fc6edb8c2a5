import torch
import torch.nn as nn
from sklearn.datasets import load_wine
torch.manual_seed(7)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32); y = torch.tensor(y)
p = torch.randperm(len(X), generator=torch.Generator().manual_seed(0)); X, y = X[p], y[p]
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3), nn.LogSoftmax(dim=1))
opt = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(25):
    for b in torch.randperm(120).split(12):
        opt.zero_grad()
        logp = model(X[b])
        loss = logp[torch.arange(len(b)), y[b]].mean()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(X[120:]).argmax(1) == y[120:]).float().mean().item()
    print(f"Epoch {epoch}: loss={loss.item():.4f} accuracy={acc:.4f}")
