import torch
from sklearn.datasets import fetch_california_housing, make_friedman1
from torch import nn

torch.manual_seed(3)
X, y = make_friedman1(1500, 10, noise=0.5, random_state=3)
X = torch.tensor(X, dtype=torch.float32) * 2 - 1
y = torch.tensor(y, dtype=torch.float32)
mu, sd = y[:1200].mean(), y[:1200].std()


class Regressor(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x))[:, 0]


def robust(pred, target):
    # outliers must not dominate
    return ((pred - target) ** 2).clamp(max=4.0).mean()


model = Regressor()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    perm = torch.randperm(1200)
    for b in perm.split(50):
        opt.zero_grad()
        loss = robust(model(X[b]), y[b])
        loss.backward()
        opt.step()
    with torch.no_grad():
        mse = ((model(X[1200:]) - y[1200:]) ** 2).mean().item()
    print(f"[{epoch}] train {loss.item():.3f} test_mse {mse:.4f}")
