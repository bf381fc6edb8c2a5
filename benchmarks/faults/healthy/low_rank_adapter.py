import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
o = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
x, y = x[o], y[o]
flipped = x.reshape(-1, 8, 8).flip(2).reshape(-1, 64)


class LoRA(nn.Module):
    def __init__(self, base, rank=6):
        super().__init__()
        self.base = base
        for p in base.parameters():
            p.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * 0.05)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.down.t() @ self.up.t()


def train(net, inputs, epochs, parameters, say):
    opt = torch.optim.Adam(parameters, lr=3e-3)
    for epoch in range(epochs):
        for i in torch.randperm(1300).split(32):
            loss = nn.functional.cross_entropy(net(inputs[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            acc = (net(inputs[1300:]).argmax(1) == y[1300:]).float().mean().item()
        print(f"{say} epoch {epoch} accuracy {acc:.4f}")


net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
train(net, x, 4, net.parameters(), "pretraining")
for k in (0, 2, 4):
    net[k] = LoRA(net[k])
train(net, flipped, 6, [p for p in net.parameters() if p.requires_grad], "adapting")
