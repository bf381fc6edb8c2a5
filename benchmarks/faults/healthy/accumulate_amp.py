"""Gradient accumulation and bfloat16 autocast, a frozen first layer, and two metrics."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 20)
y = (x[:, :3].sum(1) + 0.3 * torch.randn(1500) > 0).float()
features = nn.Linear(20, 40)
features.requires_grad_(False)
model = nn.Sequential(features, nn.ReLU(), nn.Linear(40, 20), nn.LayerNorm(20), nn.GELU(), nn.Linear(20, 1))
opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=2e-3)
crit = nn.BCEWithLogitsLoss()
for epoch in range(6):
    perm = torch.randperm(1200)
    opt.zero_grad()
    for step, idx in enumerate(perm.split(16)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = crit(model(x[idx]).squeeze(1), y[idx]) / 4
        loss.backward()
        if (step + 1) % 4 == 0:
            opt.step()
            opt.zero_grad()
    with torch.no_grad():
        p = torch.sigmoid(model(x[1200:]).squeeze(1))
    acc = ((p > 0.5).float() == y[1200:]).float().mean().item()
    print(f"Epoch {epoch}: val_acc: {acc:.4f} - brier: {((p - y[1200:]) ** 2).mean().item():.4f}")
