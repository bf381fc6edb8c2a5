import torch
from torch import nn

torch.manual_seed(40)
QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def days(n):
    t = torch.rand(n, 1) * 2 - 1
    return t, torch.sin(3 * t) + (0.2 + 0.4 * t.abs()) * torch.randn(n, 1)


def pinball(pred, y):
    diff = y - pred
    return torch.maximum(QUANTILES * diff, (QUANTILES - 1) * diff).mean()


x, y = days(1500)
xt, yt = days(1000)
net = nn.Sequential(nn.Linear(1, 48), nn.SiLU(), nn.Linear(48, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(12):
    for i in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = pinball(net(x[i]), y[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        val = pinball(net(xt), yt).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch} val_pinball {val:.5f}")
