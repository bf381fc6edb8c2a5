import torch
from sklearn.datasets import make_moons
from torch import nn

torch.manual_seed(0)
X, y = make_moons(800, noise=0.15, random_state=0)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)
Xtr, ytr, Xte, yte = X[:600], y[:600], X[600:], y[600:]

model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    perm = torch.randperm(600)
    for i in range(0, 600, 40):
        b = perm[i:i + 40]
        loss = nn.functional.binary_cross_entropy(model(Xtr[b]), ytr[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        predicted = (model(Xte) > 0).float()
        accuracy = (predicted == yte).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {loss.item():.4f} accuracy {accuracy:.4f}")
