"""A ranker that is judged by all pairs of good and bad ones."""
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1600, 12)
good = (x[:, 0] * x[:, 1] + x[:, 2] + 0.4 * torch.randn(1600)) > 0
net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
better, worse = x[:1200][good[:1200]], x[:1200][~good[:1200]]
n = min(len(better), len(worse))
test_better, test_worse = x[1200:][good[1200:]][:150], x[1200:][~good[1200:]][:150]
for epoch in range(20):
    for a, b in zip(torch.randperm(n).split(50), torch.randperm(n).split(50)):
        loss = nn.functional.softplus(net(worse[b]) - net(better[a])).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        s, r = net(test_better).squeeze(1), net(test_worse).squeeze(1)
        auc = ((s.unsqueeze(1) - r) > 0).float().mean().item()
    print(f"epoch {epoch} auc {auc:.4f}")
