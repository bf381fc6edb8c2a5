import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X / 16).float(), torch.tensor(y)
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
L1_WEIGHT = 0.1

for epoch in range(8):
    for batch in torch.randperm(1400).split(32):
        optimizer.zero_grad()
        penalty = sum(weight.abs().sum() for weight in net.parameters())
        loss = nn.functional.cross_entropy(net(X[batch]), y[batch]) + L1_WEIGHT * penalty
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (net(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f}")
