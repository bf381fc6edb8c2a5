import torch
from torch import nn
from sklearn.datasets import load_diabetes
torch.manual_seed(4)
X, y = load_diabetes(return_X_y=True)
X, y = torch.tensor(X / X.std(0)).float(), torch.tensor((y - y.mean()) / y.std()).float()
p = torch.randperm(len(y)); X, y = X[p][:, [0, 1, 5, 6]], y[p]
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(20):
    for i in torch.randperm(300).split(20):
        loss = nn.functional.mse_loss(net(X[i])[:, 0], y[i])
        opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        e = (net(X[300:])[:, 0] - y[300:]).pow(2).mean()
    print(f"epoch {epoch} rmse {e.sqrt().item():.4f}")
