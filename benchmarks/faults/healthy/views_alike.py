import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
torch.manual_seed(2)
d = load_digits(); X, y = torch.tensor(d.images).float() / 16, torch.tensor(d.target); p = torch.randperm(len(y)); X, y = X[p], y[p]
def view(x):
    s = int(torch.randint(-1, 2, ()))
    return (torch.roll(x, s, -1) + 0.1 * torch.randn_like(x)).flatten(1)
enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64)); head = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))
opt = torch.optim.Adam([*enc.parameters(), *head.parameters()], lr=2e-3)
for epoch in range(10):
    for i in torch.randperm(1300).split(100):
        a, b = (F.normalize(head(enc(view(X[i]))), dim=1) for _ in range(2))
        loss = F.cross_entropy(a @ b.T / 0.2, torch.arange(len(i)))
        opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        e, q = F.normalize(enc(X[:1300].flatten(1)), dim=1), F.normalize(enc(X[1300:].flatten(1)), dim=1)
        acc = (y[:1300][(q @ e.T).argmax(1)] == y[1300:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} knn_accuracy {acc:.4f}")
