import math

import torch
from torch import nn

torch.manual_seed(8)


def data(n):
    a = torch.randn(n)
    return torch.stack([a, 0.6 * a**2 + 0.2 * torch.randn(n) - 0.5], 1) * 0.5


class Coupling(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.first = first
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))

    def forward(self, x):
        a, b = (x[:, :1], x[:, 1:]) if self.first else (x[:, 1:], x[:, :1])
        s, t = self.net(a).chunk(2, 1)
        s = 2 * torch.tanh(s)
        b = b * s.exp() + t
        return torch.cat([a, b] if self.first else [b, a], 1), s.sum(1)


flow = nn.ModuleList(Coupling(k % 2 == 0) for k in range(4))
opt = torch.optim.Adam(flow.parameters(), lr=3e-3)


def forward(x):
    volume = torch.zeros(len(x))
    for layer in flow:
        x, s = layer(x)
        volume = volume + s
    return -0.5 * x.pow(2).sum(1) - math.log(2 * math.pi), volume


test = data(1000)
for step in range(1, 601):
    log_p, volume = forward(data(64))
    loss = -(log_p - volume).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 60 == 0:
        with torch.no_grad():
            log_p, volume = forward(test)
        print(f"step {step} loss {loss.item():.4f} test_nll {-(log_p + volume).mean().item():.4f}")
