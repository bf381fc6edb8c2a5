"""Regression of the diabetes table's kind: a wide table and one number."""
import torch
from torch import nn, optim

torch.manual_seed(6)
X = torch.randn(1500, 16)
w = torch.randn(16)
y = (X @ w).tanh() * 2 + (X[:, 0] * X[:, 1]) + 0.1 * torch.randn(1500)
Xtr, ytr, Xva, yva = X[:1200], y[:1200], X[1200:], y[1200:]


class Regressor(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


net = Regressor()
opt = optim.Adam(net.parameters(), lr=0.01, betas=(0.999, 0.9))
for epoch in range(12):
    net.train()
    for idx in torch.randperm(1200).split(60):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(Xtr[idx]), ytr[idx])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        r2 = 1 - ((net(Xva) - yva) ** 2).sum() / ((yva - yva.mean()) ** 2).sum()
    print(f"epoch {epoch} loss {loss.item():.4f} r2 {r2.item():.4f}")
