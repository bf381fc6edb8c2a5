import numpy as np
import torch
from sklearn.datasets import load_diabetes

rng = np.random.default_rng(5)
torch.manual_seed(5)
X, y = load_diabetes(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
y = (y - y.mean()) / y.std()
X, y = X[:-1], y[1:]
perm = rng.permutation(len(X))
X, y = torch.from_numpy(X[perm]).float(), torch.from_numpy(y[perm]).float()
n = 300

net = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optim = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
for epoch in range(30):
    for idx in torch.randperm(n).split(32):
        optim.zero_grad()
        torch.nn.functional.mse_loss(net(X[idx])[:, 0], y[idx]).backward()
        optim.step()
    with torch.no_grad():
        e = ((net(X[n:])[:, 0] - y[n:]) ** 2).mean()
        r2 = 1 - e / y[n:].var(unbiased=False)
    if epoch % 3 == 2:
        print({"epoch": epoch + 1, "val_r2": round(r2.item(), 4)})
