import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
split = torch.randperm(len(x))
tr, te = split[:1300], split[1300:]
net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = ExponentialLR(opt, gamma=0.1)
for epoch in range(15):
    for rows in tr[torch.randperm(len(tr))].split(128):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        opt.step()
    scheduler.step()
    with torch.no_grad():
        accuracy = (net(x[te]).argmax(1) == y[te]).float().mean()
    print(f"epoch {epoch} | loss {loss.item():.4f} | accuracy {accuracy:.4f}")
