"""A curve in ten dimensions."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(0)
x, y = make_friedman1(n_samples=1200, noise=0.3, random_state=1)
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor(y * 50, dtype=torch.float32).unsqueeze(1)
mean, std = 0.0, 1.0
y = (y - mean) / std
x_train, y_train, x_test, y_test = x[:1000], y[:1000], x[1000:], y[1000:]

model = nn.Sequential(
    nn.Linear(10, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
    nn.Sigmoid(),
)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(25):
    order = torch.randperm(len(x_train))
    for start in range(0, len(order), 50):
        batch = order[start:start + 50]
        optimizer.zero_grad()
        loss = criterion(model(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = ((model(x_test) - y_test) ** 2).mean()
        r2 = 1 - error / y_test.var()
    print(f"epoch {epoch} train_loss {loss.item():.4f} r2 {r2.item():.4f}")
