"""Whether a tumour is benign: a linear map in two steps, which suffices."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_breast_cancer(return_X_y=True)
p = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
x = torch.tensor(StandardScaler().fit_transform(x), dtype=torch.float32)[p]
y = torch.tensor(y, dtype=torch.float32)[p]
net = nn.Sequential(nn.Linear(30, 64), nn.Dropout(0.2), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(20):
    net.train()
    for xb, yb in DataLoader(TensorDataset(x[:400], y[:400]), 32, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(xb).squeeze(1), yb)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = ((net(x[400:]).squeeze(1) > 0) == (y[400:] > 0.5)).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
