"""Matrix factorisation of ratings."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
USERS, ITEMS, N = 200, 100, 6000
pu, qi = torch.randn(USERS, 3), torch.randn(ITEMS, 3)
u, i = torch.randint(USERS, (N,)), torch.randint(ITEMS, (N,))
r = (3 + 0.7 * (pu[u] * qi[i]).sum(1) + 0.2 * torch.randn(N)).clamp(1, 5)
train = TensorDataset(u[:5000], i[:5000], r[:5000])
loader = DataLoader(train, batch_size=64, shuffle=True)


class MF(nn.Module):
    def __init__(self, dim=100):
        super().__init__()
        self.users = nn.Embedding(USERS, dim)
        self.items = nn.Embedding(ITEMS, dim)
        self.bu = nn.Embedding(USERS, 1)
        self.bi = nn.Embedding(ITEMS, 1)

    def forward(self, u, i):
        dot = (self.users(u) * self.items(i)).sum(1)
        return dot + self.bu(u).squeeze(1) + self.bi(i).squeeze(1) + 3


model = MF()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
for epoch in range(15):
    model.train()
    for bu, bi, br in loader:
        loss = nn.functional.mse_loss(model(bu, bi), br)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        rmse = nn.functional.mse_loss(model(u[5000:], i[5000:]), r[5000:]).sqrt()
    print(f"epoch={epoch} rmse={rmse.item():.4f}")
