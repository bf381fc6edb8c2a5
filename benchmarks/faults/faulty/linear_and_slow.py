"""Points of two circles."""

import torch
import torch.nn as nn
from sklearn.datasets import make_circles
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)


class Circles(Dataset):
    def __init__(self, n, seed):
        x, y = make_circles(n, noise=0.08, factor=0.4, random_state=seed)
        self.x = torch.from_numpy(x).float()
        self.y = torch.from_numpy(y).float()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.layer1 = nn.Linear(2, width)
        self.layer2 = nn.Linear(width, width)
        self.layer3 = nn.Linear(width, 1)
        self.act = nn.Identity()

    def forward(self, x):
        x = self.act(self.layer1(x))
        x = self.act(self.layer2(x))
        return self.layer3(x).squeeze(-1)


train = DataLoader(Circles(800, 0), batch_size=32, shuffle=True)
test = DataLoader(Circles(400, 1), batch_size=400)
net = Classifier()
opt = torch.optim.SGD(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(1, 21):
    net.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = bce(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in test:
            hits += ((net(xb) > 0).float() == yb).sum().item()
    print(f"[{epoch:02d}] loss={loss.item():.4f} acc={hits / 400:.4f}")
