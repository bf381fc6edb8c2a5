"""u'' = -pi^2 sin(pi x) on [0, 1], u(0) = u(1) = 0: the answer is sin(pi x)."""
import math
import torch
import torch.nn as nn

torch.manual_seed(1)


class PINN(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(x)


def residual(model, x):
    u = model(x)
    du = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
    ddu = torch.autograd.grad(du.sum(), x, create_graph=True, allow_unused=True)[0]
    ddu = torch.zeros_like(x) if ddu is None else ddu
    return ddu + math.pi ** 2 * torch.sin(math.pi * x)


model = PINN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
edges = torch.tensor([[0.0], [1.0]])
test = torch.linspace(0, 1, 101)[:, None]
for step in range(1, 601):
    x = torch.rand(64, 1, requires_grad=True)
    loss = (residual(model, x) ** 2).mean() + 20 * (model(edges) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        with torch.no_grad():
            error = (model(test) - torch.sin(math.pi * test)).abs().mean().item()
        print(f"step {step} residual {loss.item():.4f} error {error:.4f}")
