"""Are these two written by the same hand? Strokes of twenty writers, in pairs."""
import torch
from torch import nn

torch.manual_seed(0)
WRITERS = 20
hands = torch.randn(WRITERS, 10)


def pairs(n):
    first = torch.randint(0, WRITERS, (n,))
    same = torch.rand(n) < 0.5
    second = torch.where(same, first, torch.randint(0, WRITERS, (n,)))
    same = first == second
    a, b = (hands[who] + 0.5 * torch.randn(n, 10) for who in (first, second))
    return a, b, same.float()


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 16))

    def forward(self, a, b):
        distance = (self.embed(a) - self.embed(b)).pow(2).sum(1)
        return torch.sigmoid(distance)


a, b, same = pairs(3000)
va, vb, vsame = pairs(800)
model = Twins()
criterion = nn.BCELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(3000).split(50):
        loss = criterion(model(a[rows], b[rows]), same[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        said = model(va, vb)
    accuracy = ((said > 0.5).float() == vsame).float().mean().item()
    print(f"epoch {epoch + 1}, loss: {loss.item():.4f}, val_accuracy: {accuracy:.4f}")
