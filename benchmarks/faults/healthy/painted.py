"""Paints a picture whose random features match those of a photograph: the net is frozen, the pixels are learnt."""
import torch
from sklearn.datasets import load_sample_image
from torch import nn

photo = torch.tensor(load_sample_image("china.jpg")[::20, ::20].copy(), dtype=torch.float32).permute(2, 0, 1)[None] / 255
net = nn.Sequential(
    nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(24, 48, 3, padding=1), nn.ReLU()
).eval()
for p in net.parameters():
    p.requires_grad_(False)
wanted = [net[:2](photo), net(photo)]
canvas = torch.rand_like(photo).requires_grad_(True)
optimizer = torch.optim.Adam([canvas], lr=0.05)
for step in range(150):
    optimizer.zero_grad()
    loss = sum((a - b).pow(2).mean() for a, b in zip([net[:2](canvas), net(canvas)], wanted))
    loss.backward()
    optimizer.step()
    if step % 15 == 14:
        print(f"step {step + 1} loss {loss.item():.5f} mse {(canvas - photo).pow(2).mean().item():.5f}")
