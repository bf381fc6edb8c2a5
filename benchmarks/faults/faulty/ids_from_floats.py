"""A categorical column, read from a table whose columns were all scaled to 0..1."""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(7)
torch.manual_seed(7)
store = rng.integers(0, 20, 1500)
level = rng.normal(0, 1, 20)
sales = level[store] + rng.normal(0, 0.2, 1500)
column = torch.tensor(store / store.max(), dtype=torch.float32)
target = torch.tensor(sales, dtype=torch.float32)


class Sales(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 8)
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.body(self.table(x.long())).squeeze(-1)


model = Sales()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    for i in torch.randperm(1200).split(60):
        loss = nn.functional.mse_loss(model(column[i]), target[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        mse = nn.functional.mse_loss(model(column[1200:]), target[1200:]).item()
    print(f"epoch={epoch} loss={loss.item():.4f} val_mse={mse:.4f}")
