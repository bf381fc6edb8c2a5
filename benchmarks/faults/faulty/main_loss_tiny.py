"""Where is the bright spot? A picture is also reconstructed."""
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
N, S = 1200, 12
place = torch.rand(N, 2) * (S - 1)
grid = torch.stack(torch.meshgrid(torch.arange(S), torch.arange(S), indexing="ij"), -1).float()
image = torch.exp(-((grid[None] - place[:, None, None]) ** 2).sum(-1) / 4) + 0.1 * torch.randn(N, S, S)
goal = place / (S - 1)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(S * S, 24), nn.ReLU())
        self.where = nn.Linear(24, 2)
        self.again = nn.Linear(24, S * S)

    def forward(self, x):
        h = self.body(x)
        return self.where(h), self.again(h)


net = TwoHeads()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(15):
    for idx in torch.randperm(1000).split(50):
        where, again = net(image[idx])
        loss = 1e-4 * F.mse_loss(where, goal[idx]) + F.mse_loss(again, image[idx].flatten(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        distance = (net(image[1000:])[0] - goal[1000:]).norm(dim=1).mean().item()
    print(f"epoch {epoch} loss {loss.item():.5f} distance {distance:.4f}")
