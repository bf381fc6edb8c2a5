import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_wine

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0)).float()
y = torch.tensor(y)
order = torch.randperm(178, generator=torch.Generator().manual_seed(3))
X, y = X[order], y[order]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(13, 16)
        self.b = nn.Linear(16, 16)
        self.c = nn.Linear(16, 3)

    def forward(self, x):
        x = F.dropout(F.relu(self.a(x)), 0.9)
        x = F.dropout(F.relu(self.b(x)), 0.9)
        return self.c(x)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
for epoch in range(30):
    net.train()
    for batch in torch.randperm(120).split(16):
        optimizer.zero_grad()
        F.cross_entropy(net(X[batch]), y[batch]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(X[120:]).argmax(1) == y[120:]).float().mean().item()
    print("epoch", epoch, "accuracy", round(accuracy, 3))
