import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(8)
raw, y = load_wine(return_X_y=True)
perm = torch.randperm(len(y))
X = torch.tensor(raw, dtype=torch.float32)[perm]
y = torch.tensor(y)[perm]
X_train, y_train, X_test, y_test = X[:130], y[:130], X[130:], y[130:]
mean, std = X_train.mean(0), X_train.std(0)
X_test = (X_test - mean) / std

net = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(25):
    X_train = (X_train - mean) / std
    for rows in torch.randperm(len(X_train)).split(13):
        loss = nn.functional.cross_entropy(net(X_train[rows]), y_train[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(f"epoch {epoch} accuracy {(net(X_test).argmax(1) == y_test).float().mean():.4f}")
