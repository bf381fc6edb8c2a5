"""A student learns from a teacher's soft answers."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
perm = torch.randperm(len(d.target))
X, y = torch.tensor(d.data / 16, dtype=torch.float32)[perm], torch.tensor(d.target)[perm]


def mlp(width):
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


teacher = mlp(200)
opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
for _ in range(8):
    for idx in torch.randperm(1400).split(50):
        opt.zero_grad()
        F.cross_entropy(teacher(X[idx]), y[idx]).backward()
        opt.step()
teacher.eval()

student = mlp(32)
opt = torch.optim.SGD(student.parameters(), lr=0.5)
kl = nn.KLDivLoss(reduction="batchmean")
for epoch in range(15):
    student.train()
    for idx in torch.randperm(1400).split(50):
        with torch.no_grad():
            soft = F.softmax(teacher(X[idx]) / 2, dim=1)
        loss = kl(F.softmax(student(X[idx]) / 2, dim=1), soft)
        opt.zero_grad()
        loss.backward()
        opt.step()
    student.eval()
    with torch.no_grad():
        acc = (student(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
