import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
d = load_digits()
x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
p = torch.randperm(len(x))
x, y = x[p], y[p]
body = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh())
head = nn.Linear(16, 10)
model = nn.Sequential(body, head)
body.requires_grad_(False)
optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
for epoch in range(15):
    if epoch == 2:
        body.requires_grad_(True)
        optimizer.add_param_group({"params": body.parameters(), "lr": 3e-3})
    for i in torch.randperm(1400).split(32):
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = (model(x[1400:]).argmax(1) == y[1400:]).float().mean()
    print("epoch", epoch, "loss", round(loss.item(), 4), "val_acc", round(val.item(), 4))
