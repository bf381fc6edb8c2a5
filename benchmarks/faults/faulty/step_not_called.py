import torch
import torch.nn as nn
from sklearn.datasets import load_iris

torch.manual_seed(0)
X, y = load_iris(return_X_y=True)
perm = torch.randperm(150)
X = torch.tensor(X).float()[perm]
y = torch.tensor(y)[perm]
X = (X - X.mean(0)) / X.std(0)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(100):
    optimizer.zero_grad()
    output = model(X[:100])
    loss = criterion(output, y[:100])
    loss.backward()
    optimizer.step
    if (epoch + 1) % 10 == 0:
        with torch.no_grad():
            acc = (model(X[100:]).argmax(1) == y[100:]).float().mean()
        print(f"Epoch [{epoch + 1}/100], Loss: {loss.item():.4f}, Accuracy: {acc:.4f}")
