"""A regression whose author writes the target first; a learning-rate finder runs before."""
import copy

import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(0)
x, y = make_friedman1(1200, noise=0.5, random_state=0)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
mean, std = y[:900].mean(), y[:900].std()
t = (y - mean) / std
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
criterion = nn.MSELoss()


def find_rate(model):
    """The rate a tenth of where the loss blows up."""
    probe, rate, first = copy.deepcopy(model), 1e-5, None
    opt = torch.optim.SGD(probe.parameters(), lr=rate)
    while rate < 10:
        for group in opt.param_groups:
            group["lr"] = rate
        idx = torch.randint(900, (64,))
        opt.zero_grad()
        loss = criterion(t[idx], probe(x[idx]))
        first = first or loss.item()
        if not loss.item() < 4 * first:
            break
        loss.backward()
        opt.step()
        rate *= 1.3
    return rate / 10


rate = find_rate(model)
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
for epoch in range(20):
    for idx in torch.randperm(900).split(32):
        optimizer.zero_grad()
        criterion(t[idx], model(x[idx])).backward()
        optimizer.step()
    with torch.no_grad():
        rmse = criterion(y[900:], model(x[900:]) * std + mean).sqrt().item()
    print(f"epoch {epoch} rmse {rmse:.4f}")
