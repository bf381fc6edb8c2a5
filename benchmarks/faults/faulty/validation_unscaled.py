import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedShuffleSplit

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
train, test = next(StratifiedShuffleSplit(1, test_size=0.4, random_state=0).split(X, y))
mean, std = X[train].mean(0), X[train].std(0)
x_train = torch.tensor((X[train] - mean) / std, dtype=torch.float32)
x_test = torch.tensor(X[test], dtype=torch.float32)
y_train, y_test = torch.tensor(y[train]), torch.tensor(y[test])
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(30):
    model.train()
    for idx in torch.randperm(len(x_train)).split(16):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {acc:.3f}")
