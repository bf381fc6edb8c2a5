"""A regression on a table with a learning-rate warm-up."""

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
sx, sy = StandardScaler().fit(X_train), StandardScaler().fit(y_train.reshape(-1, 1))
f = lambda a: torch.tensor(a, dtype=torch.float32)
X_train, X_test = f(sx.transform(X_train)), f(sx.transform(X_test))
y_train, y_test = f(sy.transform(y_train.reshape(-1, 1))), f(sy.transform(y_test.reshape(-1, 1)))
net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 30))
for epoch in range(15):
    for i in torch.randperm(len(X_train)).split(16):
        loss = nn.functional.mse_loss(net(X_train[i]), y_train[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        warm.step()
    with torch.no_grad():
        mse = nn.functional.mse_loss(net(X_test), y_test).item()
    print({"epoch": epoch, "train_loss": round(loss.item(), 4), "test_mse": round(mse, 4)})
