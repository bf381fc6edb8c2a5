import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
d = load_digits()
X, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
p = torch.randperm(len(X), generator=torch.Generator().manual_seed(8))
X, y = X[p], y[p]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
NOISE = 8.0
for epoch in range(8):
    for k in torch.randperm(1400).split(64):
        x = X[k] + NOISE * torch.randn(len(k), 64)   # augmentation
        loss = nn.functional.cross_entropy(model(x), y[k])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(f"epoch {epoch} loss {loss.item():.4f} test_acc {(model(X[1400:]).argmax(1) == y[1400:]).float().mean().item():.4f}")
