"""Classes by the angle to a class vector."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(14)
data, target = load_digits(return_X_y=True)
data, target = torch.tensor(data, dtype=torch.float32) / 16, torch.tensor(target)
perm = torch.randperm(len(data), generator=torch.Generator().manual_seed(5))
tr, te = perm[:1400], perm[1400:]


class CosineNet(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
        self.classes = nn.Parameter(torch.randn(10, 32))
        self.scale = scale

    def forward(self, x):
        z = F.normalize(self.body(x), dim=1)
        return self.scale * z @ F.normalize(self.classes, dim=1).T


net = CosineNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(6):
    for rows in tr[torch.randperm(len(tr))].split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(data[rows]), target[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = net(data[te])
        acc = (logits.argmax(1) == target[te]).float().mean().item()
        nll = F.cross_entropy(logits, target[te]).item()
    print(f"epoch {epoch} nll {nll:.4f} acc {acc:.4f}")
