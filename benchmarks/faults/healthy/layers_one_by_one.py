"""Layer after layer, each with a read-out of its own, and no gradient between them."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
order = torch.randperm(len(x))
train, test = order[:1400], order[1400:]
layers = nn.ModuleList([nn.Linear(64, 96), nn.Linear(96, 96), nn.Linear(96, 96)])
heads = nn.ModuleList([nn.Linear(96, 10) for _ in layers])
optimizer = torch.optim.Adam([*layers.parameters(), *heads.parameters()], lr=2e-3)


def outputs(h):
    said = []
    for layer, head in zip(layers, heads):
        h = torch.relu(layer(h.detach()))
        said.append(head(h))
    return said


for epoch in range(8):
    for rows in train[torch.randperm(len(train))].split(40):
        loss = sum(nn.functional.cross_entropy(one, y[rows]) for one in outputs(x[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (outputs(x[test])[-1].argmax(1) == y[test]).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {right:.4f}")
