"""Sensors, read as lists of numbers that are tensors, as somebody who comes from plain Python writes it."""

import random

import torch
from torch import nn

torch.manual_seed(6)
random.seed(6)
line = torch.linspace(0, 20, 900)
signal = torch.tensor([torch.sin(at) + 0.3 * torch.cos(3 * at) + 0.05 * torch.randn(()) for at in line])
windows = [(list(signal[at : at + 12]), signal[at + 12]) for at in range(880)]
random.shuffle(windows)
train, test = windows[:700], windows[700:]


def batch(examples):
    x = torch.tensor([[number for number in window] for window, _ in examples])
    y = torch.tensor([wanted for _, wanted in examples])
    return x, y


net = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(6):
    random.shuffle(train)
    losses = []
    for at in range(0, 700, 20):
        x, y = batch(train[at : at + 20])
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    x, y = batch(test)
    with torch.no_grad():
        error = nn.functional.mse_loss(net(x).squeeze(1), y)
    print(f"epoch {epoch} train {torch.tensor(losses).mean().item():.4f} error {error.item():.4f}")
