import torch
from sklearn.datasets import load_digits
from torch import nn, optim

torch.manual_seed(12)
digits = load_digits()
X = torch.tensor(digits.data, dtype=torch.float32) / 16
Y = torch.tensor(digits.target)
train_X, train_Y, test_X, test_Y = X[:1400], Y[:1400], X[1400:], Y[1400:]
CLASSES, criterion = 1, lambda out, y: nn.functional.mse_loss(out.squeeze(1), y.float())
decide = lambda out: out.squeeze(1).round().long()
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimizer = optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(15):
    for i in torch.randperm(1400).split(32):
        optimizer.zero_grad()
        loss = criterion(net(train_X[i]), train_Y[i])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (decide(net(test_X)) == test_Y).float().mean().item()
    print(f"epoch: {epoch} loss: {loss.item():.4f} acc: {acc:.4f}")
