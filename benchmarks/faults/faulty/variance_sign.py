import torch
from torch import nn

torch.manual_seed(0)


class Uncertain(nn.Module):
    """A mean and the logarithm of a variance."""

    def __init__(self, inputs):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(inputs, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.mean = nn.Linear(48, 1)
        self.log_variance = nn.Linear(48, 1)

    def forward(self, x):
        h = self.hidden(x)
        return self.mean(h).squeeze(1), self.log_variance(h).squeeze(1)


def likelihood_loss(mean, log_variance, target):
    return 0.5 * (log_variance + (target - mean) ** 2 * log_variance.exp()).mean()


def world(n):
    x = torch.randn(n, 5)
    noise = 0.1 + 0.4 * torch.sigmoid(2 * x[:, 4])
    return x, torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + noise * torch.randn(n)


x, y = world(2500)
test_x, test_y = world(700)
model = Uncertain(5)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(1, 16):
    model.train()
    for rows in torch.randperm(len(x)).split(50):
        mean, log_variance = model(x[rows])
        loss = likelihood_loss(mean, log_variance, y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        rmse = (model(test_x)[0] - test_y).pow(2).mean().sqrt()
    print(f"epoch {epoch:2d}  loss {loss.item():8.4f}  test_rmse {rmse.item():.4f}")
