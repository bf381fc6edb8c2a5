import copy

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(14)
x, y = load_wine(return_X_y=True)
xa, xb, ya, yb = train_test_split(x, y, test_size=0.4, random_state=0, stratify=y)
scaler = StandardScaler().fit(xa)
xa, xb = (torch.tensor(scaler.transform(v), dtype=torch.float32) for v in (xa, xb))
ya, yb = torch.tensor(ya), torch.tensor(yb)
net = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
restarts = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=6)
ensemble = []
for epoch in range(24):
    net.train()
    for i in torch.randperm(len(xa)).split(16):
        opt.zero_grad()
        nn.functional.cross_entropy(net(xa[i]), ya[i]).backward()
        opt.step()
    restarts.step()
    if epoch % 6 == 5:
        ensemble.append(copy.deepcopy(net).eval())
        with torch.no_grad():
            vote = torch.stack([one(xb).softmax(1) for one in ensemble]).mean(0)
        print(f"epoch {epoch} members {len(ensemble)} balanced_accuracy {(vote.argmax(1) == yb).float().mean().item():.4f}")
