import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(34)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
perm = torch.randperm(len(x))
labelled, unlabelled, test = perm[:200], perm[200:1300], perm[1300:]
student = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 10))
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.requires_grad_(False)
opt = torch.optim.Adam(student.parameters(), lr=3e-3)
for epoch in range(12):
    student.train()
    for rows in unlabelled[torch.randperm(len(unlabelled))].split(64):
        few = labelled[torch.randint(200, (32,))]
        clean = nn.functional.cross_entropy(student(x[few]), y[few])
        noisy = x[rows] + 0.1 * torch.randn_like(x[rows])
        with torch.no_grad():
            goal = teacher(x[rows]).softmax(1)
        agree = nn.functional.mse_loss(student(noisy).softmax(1), goal)
        loss = clean + 2.0 * agree
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for t, s in zip(teacher.parameters(), student.parameters()):
                t.mul_(0.97).add_(s, alpha=0.03)
    teacher.eval()
    with torch.no_grad():
        acc = (teacher(x[test]).argmax(1) == y[test]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} teacher_acc {acc:.4f}")
