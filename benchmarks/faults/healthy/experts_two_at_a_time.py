import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


def make(n):
    x = torch.rand(n, 3) * 2 - 1
    region = (x[:, 0] > 0).long()
    y = torch.where(region == 1, 2 * x[:, 1] - x[:, 2], -2 * x[:, 1] + 3 * x[:, 2] + 1)
    return x, y + 0.1 * torch.randn(n)


class TopTwo(nn.Module):
    """Eight experts; the two with the largest scores answer, and a term keeps them busy alike."""

    def __init__(self, experts=8):
        super().__init__()
        self.gate = nn.Linear(3, experts)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 1)) for _ in range(experts))

    def forward(self, x):
        scores = self.gate(x)
        best, which = scores.topk(2, dim=1)
        weights = torch.zeros_like(scores).scatter(1, which, best.softmax(dim=1))
        answers = torch.cat([expert(x) for expert in self.experts], dim=1)
        load = scores.softmax(dim=1).mean(dim=0)
        return (weights * answers).sum(dim=1), (load * load).sum() * len(load)


train, valid = make(2500), make(600)
model = TopTwo()
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(1, 11):
    for rows in torch.randperm(2500).split(50):
        answer, busy = model(train[0][rows])
        loss = F.mse_loss(answer, train[1][rows]) + 0.01 * busy
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        error = F.mse_loss(model(valid[0])[0], valid[1]).item()
    print(f"[{epoch:02d}] valid_mse={error:.4f}")
