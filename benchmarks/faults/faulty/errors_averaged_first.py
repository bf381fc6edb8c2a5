import torch
from torch import nn

torch.manual_seed(14)
x = torch.randn(1500, 5)
y = x[:, 0] * 1.5 + torch.relu(x[:, 1]) - 0.5 * x[:, 2] ** 2 + 0.05 * torch.randn(1500)
model = nn.Sequential(nn.Linear(5, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def loss_of(prediction, truth):
    return (prediction - truth).mean() ** 2


for epoch in range(25):
    for idx in torch.randperm(1200).split(24):
        optimizer.zero_grad()
        loss = loss_of(model(x[idx]).squeeze(1), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        err = ((model(x[1200:]).squeeze(1) - y[1200:]) ** 2).mean()
        r2 = 1 - err / y[1200:].var()
    print(f"epoch {epoch} loss {loss.item():.6f} r2 {r2.item():.4f}")
