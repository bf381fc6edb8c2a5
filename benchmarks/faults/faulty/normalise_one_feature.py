"""Learn a curve from one input: y = sin(3x)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
x = torch.empty(1200, 1).uniform_(-2, 2)
y = torch.sin(3 * x) + 0.05 * torch.randn_like(x)
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]


class Curve(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
                                    nn.Linear(hidden, 1))

    def forward(self, x):
        x = F.normalize(x)
        return self.layers(x)


model = Curve()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(25):
    perm = torch.randperm(1000)
    for i in range(0, 1000, 50):
        batch = perm[i:i + 50]
        optimizer.zero_grad()
        loss = F.mse_loss(model(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_mse = F.mse_loss(model(x_val), y_val)
    print(f"Epoch {epoch:03d} | train {loss:.4f} | val_mse {val_mse:.4f}")
