import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(4)
torch.manual_seed(4)
X, y = make_classification(2400, 12, n_informative=8, n_redundant=0, class_sep=1.3, random_state=4)
# sensors that were off
X[rng.random(X.shape) < 0.05] = -9999
X = torch.from_numpy(X).float()
y = torch.from_numpy(y)
train = DataLoader(TensorDataset(X[:1800], y[:1800]), batch_size=64, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 64)
        self.fc2 = nn.Linear(64, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.out(x)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(12):
    for xb, yb in train:
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (net(X[1800:]).argmax(1) == y[1800:]).float().mean().item()
    print(f"epoch {epoch:2d} loss {loss.item():.4f} acc {acc:.4f}")
