import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Drop(nn.Module):
    def __init__(self, p=0.05):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand_like(x) < self.p).float() / self.p


d = load_digits()
X, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Drop(), nn.Linear(64, 64), nn.ReLU(), Drop(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
train = DataLoader(TensorDataset(X[:1300], y[:1300]), batch_size=50, shuffle=True)
for epoch in range(8):
    model.train()
    for x, t in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(X[1300:]).argmax(1) == y[1300:]).float().mean().item()
    print(f"Epoch {epoch}: train loss {loss.item():.4f}, test acc {acc:.4f}")
