import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
X, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
perm = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
X, y = X[perm], y[perm]
Xtr, ytr, Xte, yte = X[:1400], y[:1400], X[1400:], y[1400:]


def mlp(h):
    return nn.Sequential(nn.Linear(64, h), nn.ReLU(), nn.Linear(h, 10))


def fit(net, lossf, epochs):
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for b in torch.randperm(1400).split(64):
            opt.zero_grad()
            lossf(net, b).backward()
            opt.step()
        yield epoch


teacher = mlp(256)
for _ in fit(teacher, lambda net, b: F.cross_entropy(net(Xtr[b]), ytr[b]), 8):
    pass
teacher.eval()


def distil(net, b, T=2.0):
    with torch.no_grad():
        soft = F.softmax(teacher(Xtr[b]) / T, dim=1)
    return T * T * F.kl_div(F.log_softmax(net(Xtr[b]) / T, 1), soft, reduction="batchmean")


student = mlp(24)
for epoch in fit(student, distil, 12):
    with torch.no_grad():
        print(f"epoch {epoch} student_acc {(student(Xte).argmax(1) == yte).float().mean().item():.4f}")
