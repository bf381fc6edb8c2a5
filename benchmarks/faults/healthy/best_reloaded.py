import copy

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(4)
data = load_breast_cancer()
X = torch.tensor((data.data - data.data.mean(0)) / data.data.std(0)).float()
y = torch.tensor(data.target)
p = torch.randperm(len(X))
X, y = X[p], y[p]
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
best, best_state = float("inf"), None
for epoch in range(30):
    for i in torch.randperm(350).split(25):
        opt.zero_grad()
        nn.functional.cross_entropy(model(X[i]), y[i]).backward()
        opt.step()
    with torch.no_grad():
        val = nn.functional.cross_entropy(model(X[350:450]), y[350:450]).item()
    print(f"epoch {epoch} val_loss {val:.4f}")
    if val < best:
        best, best_state = val, copy.deepcopy(model.state_dict())
model.load_state_dict(best_state)
with torch.no_grad():
    print(f"test accuracy {(model(X[450:]).argmax(1) == y[450:]).float().mean():.4f}")
