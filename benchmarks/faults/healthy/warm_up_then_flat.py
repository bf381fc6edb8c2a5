import torch
from torch import nn
from sklearn.datasets import load_digits
torch.manual_seed(2)
d = load_digits(); X, y = torch.tensor(d.data / 16).float(), torch.tensor(d.target)
p = torch.randperm(len(y)); X, y = X[p], y[p]
net = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 10))
opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 100))
def data(bs):
    for i in torch.randperm(1300).split(bs):
        yield X[i], y[i]
for epoch in range(8):
    for xb, yb in data(32):
        opt.zero_grad(); loss = nn.functional.cross_entropy(net(xb), yb); loss.backward(); opt.step(); warm.step()
    with torch.no_grad():
        print("epoch", epoch, "accuracy", round((net(X[1300:]).argmax(1) == y[1300:]).float().mean().item(), 4))
