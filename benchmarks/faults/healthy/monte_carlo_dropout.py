import torch
from torch import nn

torch.manual_seed(4)
x = torch.rand(800, 3) * 4 - 2
y = (torch.sin(x[:, 0]) * x[:, 1] + x[:, 2].abs() + 0.05 * torch.randn(800)).unsqueeze(1)
net = nn.Sequential(nn.Linear(3, 128), nn.ReLU(), nn.Dropout(0.05), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.05), nn.Linear(128, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)


def predict(inputs, samples=30):
    """Mean and spread of the predictions with dropout on (Gal and Ghahramani 2016)."""
    net.train()
    with torch.no_grad():
        drawn = torch.stack([net(inputs) for _ in range(samples)])
    return drawn.mean(0), drawn.std(0)


for epoch in range(40):
    net.train()
    for i in torch.randperm(600).split(30):
        loss = nn.functional.mse_loss(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 4 == 3:
        mean, spread = predict(x[600:])
        print(f"epoch {epoch + 1} rmse {(mean - y[600:]).pow(2).mean().sqrt().item():.4f} spread {spread.mean().item():.4f}")
