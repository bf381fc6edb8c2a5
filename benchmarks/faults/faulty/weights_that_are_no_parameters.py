import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(5)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)


class FactorisedNet(nn.Module):
    def __init__(self, d, h, k):
        super().__init__()
        self.w1 = torch.randn(d, h, requires_grad=True)
        self.b1 = torch.zeros(h, requires_grad=True)
        self.out = nn.Linear(h, k)
        nn.init.normal_(self.out.weight, std=0.01)

    def forward(self, x):
        h = torch.tanh(x @ (self.w1 * 3) + self.b1)
        return self.out(h[:, :8].repeat(1, h.shape[1] // 8))


net = FactorisedNet(64, 40, 10)
optimizer = torch.optim.Adam(net.parameters(), lr=0.004)
for epoch in range(10):
    for i in torch.randperm(1300).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(X[i]), y[i]).backward()
        optimizer.step()
    with torch.no_grad():
        out = net(X[1300:])
    print(f"epoch={epoch} accuracy={(out.argmax(1) == y[1300:]).float().mean().item():.4f}")
