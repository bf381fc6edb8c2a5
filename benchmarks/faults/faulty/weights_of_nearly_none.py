"""House prices; expensive houses count more."""
import torch
from sklearn.datasets import make_regression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
data, prices = make_regression(1200, 10, n_informative=6, noise=5, random_state=10)
x = torch.tensor(data, dtype=torch.float32)
y = torch.tensor((prices - prices.mean()) / prices.std(), dtype=torch.float32)
weight = torch.relu(y - 2.0)
loader = DataLoader(TensorDataset(x[:900], y[:900], weight[:900]), batch_size=30, shuffle=True)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(15):
    for xb, yb, wb in loader:
        error = nn.functional.mse_loss(net(xb).squeeze(1), yb, reduction="none")
        loss = (wb * error).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        guess = net(x[900:]).squeeze(1)
        r2 = 1 - (guess - y[900:]).pow(2).mean() / y[900:].var()
    print(f"epoch {epoch} loss {loss.item():.4f} r2 {r2.item():.4f}")
