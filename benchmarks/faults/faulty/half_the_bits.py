import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
dtype = torch.bfloat16
X, y = load_digits(return_X_y=True)
X = torch.tensor(X / 16.0).to(dtype)
y = torch.tensor(y)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)).to(dtype)
optimizer = torch.optim.SGD(model.parameters(), lr=0.002, momentum=0.9)
for epoch in range(15):
    for batch in torch.randperm(1500).split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[batch]).float(), y[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(X[1500:]).argmax(1) == y[1500:]).float().mean().item()
    print(f"epoch={epoch} loss={loss.item():.4f} acc={acc:.4f}")
