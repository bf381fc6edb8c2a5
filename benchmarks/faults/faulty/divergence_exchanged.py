"""Soft labels: how often each of five answers is given."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
W = torch.randn(12, 5) * 1.5
X = torch.randn(1200, 12)
P = F.softmax(X @ W + 0.3 * torch.randn(1200, 5), dim=1)
net = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 5))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
kl = nn.KLDivLoss(reduction="batchmean")
for epoch in range(25):
    net.train()
    for idx in torch.randperm(1000).split(50):
        log_q = F.log_softmax(net(X[idx]), dim=1)
        loss = kl(P[idx], log_q)
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        top = (net(X[1000:]).argmax(1) == P[1000:].argmax(1)).float().mean().item()
    print(f"{epoch:3d}  loss {loss.item(): .4f}  top1 {top:.4f}")
