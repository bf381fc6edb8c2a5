import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
X, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
p = torch.randperm(len(X), generator=torch.Generator().manual_seed(5))
X, y = X[p], y[p]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 80), nn.Linear(80, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.05)
DECAY = 0.1
for epoch in range(10):
    for k in torch.randperm(1400).split(32):
        opt.zero_grad()
        loss = F.cross_entropy(net(X[k]), y[k])
        loss.backward()
        opt.step()
        with torch.no_grad():
            for w in net.parameters():
                w.mul_(1 - DECAY)
    with torch.no_grad():
        acc = (net(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
