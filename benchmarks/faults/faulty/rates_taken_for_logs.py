"""Counts from features: a Poisson regression."""
import torch
import torch.nn as nn

torch.manual_seed(0)
n = 2000
X = torch.randn(n, 6)
rate = torch.exp(0.6 * X[:, 0] - 0.4 * X[:, 1] + 0.3 * X[:, 2] * X[:, 3] + 0.8)
Y = torch.poisson(rate)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return torch.exp(self.body(x)).squeeze(1)


net = Net()
loss_fn = nn.PoissonNLLLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(15):
    for i in torch.randperm(1600).split(64):
        optimizer.zero_grad()
        loss = loss_fn(net(X[i]), Y[i])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mae = (net(X[1600:]) - rate[1600:]).abs().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} mae {mae:.4f}")
