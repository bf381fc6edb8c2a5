"""A GAN on points of a ring, two optimisers."""

import torch
import torch.nn as nn

torch.manual_seed(0)
latent, batch = 8, 128
G = nn.Sequential(nn.Linear(latent, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
fixed = torch.randn(500, latent)


def real(n):
    angle = torch.rand(n) * 6.2832
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(n, 2)


for step in range(1, 401):
    x, z = real(batch), torch.randn(batch, latent)
    opt_d.zero_grad()
    loss_real = criterion(D(x), torch.ones(batch, 1))
    loss_fake = criterion(D(G(z).detach()), torch.zeros(batch, 1))
    (loss_real + loss_fake).backward()
    opt_d.step()
    opt_g.zero_grad()
    loss_g = criterion(D(G(z)), torch.ones(batch, 1))
    loss_g.backward()
    opt_g.step()
    if step % 50 == 0:
        with torch.no_grad():
            radius = G(fixed).norm(dim=1)
        print(
            f"step {step}: d_loss={(loss_real + loss_fake).item():.3f} g_loss={loss_g.item():.3f} radius_error={(radius - 1).abs().mean().item():.4f}"
        )
