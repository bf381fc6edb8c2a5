import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
digits = load_digits()
X = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(X), generator=torch.Generator().manual_seed(3))
X, y = X[order], y[order]
Xtr, ytr, Xte, yte = X[:1200], y[:1200], X[1200:], y[1200:]
by_class = [torch.where(ytr == c)[0] for c in range(10)]


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward(self, x):
        return self.layers(x)


def pairs(n):
    first = torch.randint(len(Xtr), (n,))
    second = torch.empty_like(first)
    same = torch.ones(n)
    for k, i in enumerate(first.tolist()):
        label = ytr[i].item()
        if k % 2:
            label = (label + int(torch.randint(1, 10, ()))) % 10
        members = by_class[label]
        second[k] = members[torch.randint(len(members), ())]
    return first, second, same


def contrastive(a, b, same, margin=1.0):
    d = F.pairwise_distance(a, b)
    return (same * d**2 + (1 - same) * F.relu(margin - d) ** 2).mean()


net = Encoder()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(1, 301):
    i, j, same = pairs(64)
    loss = contrastive(net(Xtr[i]), net(Xtr[j]), same)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 75 == 0:
        with torch.no_grad():
            a, b = net(Xtr), net(Xte)
            centres = torch.stack([a[ytr == c].mean(0) for c in range(10)])
            right = (torch.cdist(b, centres).argmin(1) == yte).float().mean()
        print(f"step {step}  loss {loss.item():.5f}  accuracy {right.item():.3f}")
