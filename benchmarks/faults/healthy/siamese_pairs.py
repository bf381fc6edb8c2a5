import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(2)
d = load_digits()
x, y = torch.tensor(d.data).float() / 16, torch.tensor(d.target)
p = torch.randperm(len(x))
tr, te = p[:1400], p[1400:]
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)


def pairs(idx, n):
    a, b = idx[torch.randint(len(idx), (n,))], idx[torch.randint(len(idx), (n,))]
    same = (y[a] == y[b]).float()
    keep = (same == 1) | (torch.rand(n) < 0.12)
    return a[keep], b[keep], same[keep]


for step in range(1, 801):
    a, b, same = pairs(tr, 256)
    dist = F.pairwise_distance(net(x[a]), net(x[b]))
    loss = (same * dist.pow(2) + (1 - same) * F.relu(2.0 - dist).pow(2)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 80 == 0:
        with torch.no_grad():
            za, zb = net(x[te]), net(x[tr])
            near = y[tr][torch.cdist(za, zb).argmin(1)]
        print(f"step {step} loss {loss.item():.4f} nn_acc {(near == y[te]).float().mean():.4f}")
