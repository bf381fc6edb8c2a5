"""XOR of two signs, the classic."""
import torch
from torch import nn, optim

torch.manual_seed(21)
X = torch.randn(1600, 2)
y = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).float()
X_train, y_train, X_test, y_test = X[:1200], y[:1200], X[1200:], y[1200:]


class XorNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 16)
        self.hidden2 = nn.Linear(16, 16)
        self.output = nn.Linear(16, 1)
        self.activation = nn.Tanh()

    def forward(self, x):
        self.activation(self.hidden(x))
        x = self.hidden(x)
        x = self.hidden2(x)
        return self.output(x).squeeze(-1)


net = XorNet()
optimizer = optim.Adam(net.parameters(), lr=0.01)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(20):
    for k in range(0, 1200, 50):
        optimizer.zero_grad()
        loss = criterion(net(X_train[k:k + 50]), y_train[k:k + 50])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = ((net(X_test) > 0).float() == y_test).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
