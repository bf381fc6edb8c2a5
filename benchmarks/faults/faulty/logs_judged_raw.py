"""Prices of houses; the model learns logarithms."""
import numpy as np
import torch
from torch import nn

np.random.seed(4)
torch.manual_seed(4)
n = 1500
area = np.random.uniform(30, 200, n)
rooms = np.random.randint(1, 7, n)
age = np.random.uniform(0, 80, n)
price = 1800 * area * (1 + 0.05 * rooms) * np.exp(-age / 120) * np.exp(np.random.normal(0, 0.08, n))
X = np.stack([area / 200, rooms / 6, age / 80], 1)
X = torch.tensor(X, dtype=torch.float32)
price = torch.tensor(price, dtype=torch.float32).unsqueeze(1)
log_price = torch.log1p(price / 1000)
cut = 1200

model = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)


def r2(pred, true):
    return (1 - ((pred - true) ** 2).sum() / ((true - true.mean()) ** 2).sum()).item()


for epoch in range(1, 31):
    model.train()
    for idx in torch.randperm(cut).split(60):
        loss = nn.functional.mse_loss(model(X[idx]), log_price[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 5 == 0:
        model.eval()
        with torch.no_grad():
            pred = model(X[cut:])
        print(f"epoch {epoch} loss {loss.item():.5f} r2 {r2(pred, price[cut:] / 1000):.4f}")
