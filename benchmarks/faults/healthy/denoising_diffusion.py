import math

import torch
from torch import nn

torch.manual_seed(2)
T = 40
beta = torch.linspace(1e-3, 0.2, T)
alpha_bar = torch.cumprod(1 - beta, 0)


def spiral(n):
    t = torch.rand(n).sqrt() * 3 * math.pi
    return torch.stack([t.cos() * t, t.sin() * t], 1) / 6 + 0.02 * torch.randn(n, 2)


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.time = nn.Embedding(T, 32)
        self.net = nn.Sequential(nn.Linear(34, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], 1))


def noised(x):
    t = torch.randint(T, (len(x),))
    noise = torch.randn_like(x)
    a = alpha_bar[t][:, None]
    return a.sqrt() * x + (1 - a).sqrt() * noise, t, noise


model = Denoiser()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
held_out = noised(spiral(2000))
for step in range(1, 801):
    x, t, noise = noised(spiral(256))
    loss = nn.functional.mse_loss(model(x, t), noise)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        with torch.no_grad():
            error = nn.functional.mse_loss(model(held_out[0], held_out[1]), held_out[2]).item()
        print(f"step {step} loss {loss.item():.4f} noise_mse {error:.4f}")
