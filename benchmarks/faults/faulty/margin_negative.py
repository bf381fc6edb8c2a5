import torch
import torch.nn as nn

torch.manual_seed(0)
g = torch.Generator().manual_seed(9)
w = torch.randn(12, generator=g)
items = torch.randn(800, 12, generator=g)
quality = torch.tanh(items @ w / 3) + 0.1 * torch.randn(800, generator=g)


class Ranker(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


ranker = Ranker()
criterion = nn.MarginRankingLoss(margin=-1.0)
optimizer = torch.optim.Adam(ranker.parameters(), lr=2e-3)
for epoch in range(10):
    for _ in range(60):
        i, j = torch.randint(0, 600, (2, 64))
        order = torch.sign(quality[i] - quality[j])
        loss = criterion(ranker(items[i]), ranker(items[j]), order)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        s = ranker(items[600:])
    q = quality[600:]
    pairs = (s[:, None] > s[None]) == (q[:, None] > q[None])
    off = ~torch.eye(200, dtype=torch.bool)
    print(f"epoch {epoch} loss {loss.item():.4f} pair_acc {pairs[off].float().mean().item():.4f}")
