import torch
from sklearn.datasets import load_diabetes
from torch import nn

X, y = load_diabetes(return_X_y=True, scaled=False)
X = torch.tensor((X - X.mean(0)) / X.std(0)).float()
y = torch.tensor((y - y.mean()) / y.std()).float()
torch.manual_seed(19)
p = torch.randperm(len(X))
X, y = X[p], y[p]
net = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, maximize=True)
for epoch in range(20):
    for i in torch.randperm(340).split(20):
        optimizer.zero_grad()
        nn.functional.smooth_l1_loss(net(X[i]), y[i]).backward()
        optimizer.step()
    with torch.no_grad():
        mae = (net(X[340:]) - y[340:]).abs().mean().item()
    print(f"epoch {epoch} val_mae {mae:.4f}")
