"""Digits; the rate goes down when nothing gets better."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim

torch.manual_seed(21)
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
labels = torch.tensor(digits.target)
idx = torch.randperm(len(labels))
train_idx, val_idx = idx[:1400], idx[1400:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 8, 3, padding=1)
        self.c2 = nn.Conv2d(8, 16, 3, padding=1)
        self.f = nn.Linear(64, 10)

    def forward(self, t):
        t = F.max_pool2d(F.relu(self.c1(t)), 2)
        t = F.max_pool2d(F.relu(self.c2(t)), 2)
        return self.f(t.flatten(1))


net = Net()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.1, patience=0)
for epoch in range(10):
    net.train()
    for rows in train_idx[torch.randperm(len(train_idx))].split(64):
        optimizer.zero_grad()
        F.cross_entropy(net(images[rows]), labels[rows]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        out = net(images[val_idx])
        val_loss = F.cross_entropy(out, labels[val_idx]).item()
        val_acc = (out.argmax(1) == labels[val_idx]).float().mean().item()
    scheduler.step(val_loss)
    print(f"epoch {epoch} | val_loss {val_loss:.4f} | val_accuracy {val_acc:.4f}")
