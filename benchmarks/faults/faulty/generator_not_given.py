import torch
import torch.nn as nn

torch.manual_seed(23)


def real(n):
    angle = torch.rand(n) * 6.2832
    return torch.stack([angle.cos(), angle.sin()], 1) * 1.5 + torch.randn(n, 2) * 0.05


G = nn.Sequential(nn.Linear(4, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
optimizerD = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.9))
optimizerG = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.9))
bce = nn.BCEWithLogitsLoss()
for step in range(1, 1201):
    x = real(64)
    fake = G(torch.randn(64, 4))
    optimizerD.zero_grad()
    loss_d = bce(D(x), torch.ones(64, 1)) + bce(D(fake.detach()), torch.zeros(64, 1))
    loss_d.backward()
    optimizerD.step()
    optimizerG.zero_grad()
    loss_g = bce(D(fake), torch.ones(64, 1))
    loss_g.backward()
    optimizerG.step()
    if step % 120 == 0:
        with torch.no_grad():
            off = (G(torch.randn(1000, 4)).norm(dim=1) - 1.5).abs().mean().item()
        print(f"step {step} loss_d {loss_d.item():.3f} loss_g {loss_g.item():.3f} distance {off:.4f}")
