import torch
from torch import nn

torch.manual_seed(17)


def spectra(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = 0.4 * torch.randn(n, 1, 64, generator=g)
    y = torch.zeros(n, 1, 64)
    for i in range(n):
        for _ in range(2):
            c = int(torch.randint(5, 59, (), generator=g))
            bump = torch.exp(-((torch.arange(64) - c) ** 2) / 8.0)
            x[i, 0] += 1.5 * bump
            y[i, 0, max(0, c - 3) : c + 4] = 1
    return x, y


class PeakFinder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(), nn.Conv1d(16, 1, 1)
        )

    def forward(self, x):
        return torch.relu(self.layers(x))


x, y = spectra(500, 0)
xv, yv = spectra(100, 1)
net = PeakFinder()
opt = torch.optim.SGD(net.parameters(), lr=0.5)
bce = nn.BCELoss()
for epoch in range(8):
    for i in torch.randperm(500).split(25):
        p = net(x[i]).clamp(0, 1)
        loss = bce(p, y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        found = net(xv) > 0.5
        f1 = 2 * (found * yv).sum() / (found.sum() + yv.sum())
    print(f"epoch {epoch} bce {loss.item():.4f} f1 {f1.item():.4f}")
