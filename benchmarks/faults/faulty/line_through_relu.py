"""y = 2 x + 1 with a few neurons; every other time that it is run nothing changes."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(1)
x = np.linspace(0.0, 5.0, 61, dtype=np.float32).reshape(-1, 1)
y = 2 * x + 1 + np.random.default_rng(0).normal(0, 0.1, x.shape).astype(np.float32)
x, y = torch.from_numpy(x), torch.from_numpy(y)

model = nn.Sequential(
    nn.Linear(1, 8),
    nn.ReLU(),
    nn.Linear(8, 8),
    nn.ReLU(),
    nn.Linear(8, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
    nn.ReLU(),
)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(300):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 30 == 29:
        print(f"epoch {epoch}: mse {loss.item():.5f}")
