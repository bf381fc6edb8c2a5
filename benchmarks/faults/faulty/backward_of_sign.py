import torch
from torch import nn

torch.manual_seed(5)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return -2 * x * grad


class Quadratic(nn.Module):
    def __init__(self, inputs, units):
        super().__init__()
        self.project = nn.Linear(inputs, units)
        self.mix = nn.Linear(units, 1)

    def forward(self, x):
        return self.mix(Square.apply(self.project(x))).squeeze(1)


g = torch.Generator().manual_seed(3)
X = torch.randn(1400, 5, generator=g)
y = X[:, 0] * X[:, 1] + X[:, 2] ** 2 - 1 + 0.5 * X[:, 3] * X[:, 4]
net = Quadratic(5, 12)
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(30):
    for b in torch.randperm(1000).split(50):
        opt.zero_grad()
        loss = nn.functional.l1_loss(net(X[b]), y[b])
        loss.backward()
        opt.step()
    if epoch % 3 == 2:
        with torch.no_grad():
            mae = nn.functional.l1_loss(net(X[1000:]), y[1000:]).item()
        print(f"epoch {epoch + 1}, loss {loss.item():.4f}, mae {mae:.4f}")
