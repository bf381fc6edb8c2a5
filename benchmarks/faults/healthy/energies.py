"""Energy-based model of the two moons, by contrastive divergence with Langevin sampling."""
import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from sklearn.metrics import roc_auc_score

data = torch.tensor(make_moons(1200, noise=0.06)[0], dtype=torch.float32)
data = (data - data.mean(0)) / data.std(0)
train, test = data[:900], data[900:]
outside = torch.rand(300, 2) * 5 - 2.5

energy = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(energy.parameters(), lr=2e-3)
buffer = torch.rand(500, 2) * 5 - 2.5


def langevin(start, steps=10, size=0.1):
    x = start.clone().requires_grad_(True)
    for _ in range(steps):
        grad = torch.autograd.grad(energy(x).sum(), x)[0]
        x = (x - size * grad + 0.05 * torch.randn_like(x)).clamp(-2.5, 2.5).detach().requires_grad_(True)
    return x.detach()


for epoch in range(12):
    for i in torch.randperm(len(train)).split(90):
        real = train[i]
        pick = torch.randint(0, len(buffer), (len(real),))
        start = torch.where(torch.rand(len(real), 1) < 0.1, torch.rand(len(real), 2) * 5 - 2.5, buffer[pick])
        fake = langevin(start)
        buffer[pick] = fake
        e_real, e_fake = energy(real), energy(fake)
        loss = e_real.mean() - e_fake.mean() + 0.05 * (e_real**2 + e_fake**2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = torch.cat([-energy(test), -energy(outside)]).squeeze(1)
    auc = roc_auc_score([1] * len(test) + [0] * len(outside), scores.numpy())
    print(f"epoch {epoch} auc {auc:.4f}")
