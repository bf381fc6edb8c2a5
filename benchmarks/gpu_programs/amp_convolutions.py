import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
DEV = "cuda" if torch.cuda.is_available() else "cpu"
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
Y = torch.tensor(d.target)
p = torch.randperm(len(X), generator=torch.Generator().manual_seed(3))
X, Y = X[p].to(DEV), Y[p].to(DEV)
Xt, Yt, Xv, Yv = X[:1400], Y[:1400], X[1400:], Y[1400:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.b1 = nn.BatchNorm2d(16)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


model = Net().to(DEV)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler(DEV)
for epoch in range(6):
    model.train()
    order = torch.randperm(len(Xt), device=DEV)
    for i in range(0, len(Xt), 64):
        idx = order[i:i + 64]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(DEV, dtype=torch.float16 if DEV == "cuda" else torch.bfloat16):
            out = model(Xt[idx])
            loss = F.cross_entropy(out, Yt[idx])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
    model.eval()
    with torch.no_grad():
        acc = (model(Xv).argmax(1) == Yv).float().mean()
    print("epoch: %d, loss: %.4f, accuracy: %.4f" % (epoch, loss.item(), acc.item()))
