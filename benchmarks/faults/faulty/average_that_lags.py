import copy
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(0)


class EMA:
    def __init__(self, model, decay=0.9999):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for e, m in zip(self.module.parameters(), model.parameters()):
            e.mul_(self.decay).add_(m, alpha=1 - self.decay)


X, y = load_wine(return_X_y=True)
X, y = torch.tensor(scale(X), dtype=torch.float32), torch.tensor(y)
perm = torch.randperm(len(X), generator=torch.Generator().manual_seed(4))
tr, te = perm[:120], perm[120:]
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
ema = EMA(model)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(15):
    for b in tr[torch.randperm(len(tr))].split(12):
        loss = nn.functional.cross_entropy(model(X[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema.update(model)
    with torch.no_grad():
        logits = ema.module(X[te])
    print({"epoch": epoch, "train_loss": round(loss.item(), 4), "ema_accuracy": round((logits.argmax(1) == y[te]).float().mean().item(), 4)})
