import torch
import torch.nn as nn

torch.manual_seed(0)
T = 60
x = torch.rand(1200, T, 2)
x[..., 1] = 0
for i in range(1200):
    a, b = torch.randperm(T)[:2]
    x[i, a, 1] = x[i, b, 1] = 1
y = (x[..., 0] * x[..., 1]).sum(1)


class Adding(nn.Module):
    def __init__(self, n=48):
        super().__init__()
        self.rnn = nn.RNN(2, n, nonlinearity="relu", batch_first=True)
        nn.init.normal_(self.rnn.weight_hh_l0, std=0.3)
        self.out = nn.Linear(n, 1)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h[:, -1]).squeeze(1)


m = Adding()
opt = torch.optim.Adam(m.parameters(), lr=2e-3)
for epoch in range(10):
    for k in torch.randperm(1000).split(50):
        opt.zero_grad()
        loss = ((m(x[k]) - y[k]) ** 2).mean()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print("epoch", epoch, "test_mse", ((m(x[1000:]) - y[1000:]) ** 2).mean().item())
