"""Who has a fever? Learnt from a hospital's records of two years, tried in the third."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

rng = np.random.default_rng(12)
torch.manual_seed(12)


def patients(n, warmth):
    """Temperature, pulse, age, and what a nurse says of them; in an epidemic they are warmer."""
    temperature = rng.normal(37.6 + warmth, 0.8, n)
    pulse = rng.normal(80 + 12 * warmth, 9, n)
    age = rng.uniform(20, 90, n)
    ill = (temperature - 37.6) / 0.8 + (pulse - 80) / 18 > 0
    return np.stack([temperature, pulse, age], 1), ill.astype(np.float32)


known, known_ill = patients(1200, warmth=0.0)
new, new_ill = patients(400, warmth=1.8)
scaler = StandardScaler()
x_train = torch.tensor(scaler.fit_transform(known), dtype=torch.float32)
x_test = torch.tensor(scaler.fit_transform(new), dtype=torch.float32)
y_train, y_test = torch.tensor(known_ill), torch.tensor(new_ill)

net = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(10):
    net.train()
    for rows in torch.randperm(len(x_train)).split(40):
        optimizer.zero_grad()
        loss = loss_fn(net(x_train[rows]).squeeze(1), y_train[rows])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = ((net(x_test).squeeze(1) > 0) == (y_test > 0.5)).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
