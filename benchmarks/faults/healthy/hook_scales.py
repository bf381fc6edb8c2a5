"""Which of three vineyards a wine is from; the model scales its inputs by a hook."""

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
x, y = load_wine(return_X_y=True)
p = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))
x, y = torch.tensor(x, dtype=torch.float32)[p], torch.tensor(y)[p]
mean, std = x[:120].mean(0), x[:120].std(0)
net = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
net.register_forward_pre_hook(lambda module, args: ((args[0] - mean) / std,))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(30):
    for xb, yb in DataLoader(TensorDataset(x[:120], y[:120]), 20, shuffle=True):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(f"epoch {epoch} accuracy {(net(x[120:]).argmax(1) == y[120:]).float().mean().item():.4f}")
