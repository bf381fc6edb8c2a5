"""Which wines come from the same grower? Two glasses side by side."""

import random

import torch
from sklearn.datasets import load_wine
from sklearn.metrics import roc_auc_score
from torch import nn

torch.manual_seed(4)
random.seed(4)
wines = load_wine()
x = torch.tensor(wines.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
growers = wines.target.tolist()
rows = list(range(len(x)))
random.shuffle(rows)
known, unknown = rows[:120], rows[120:]


def glasses(of, n):
    first = [random.choice(of) for _ in range(n)]
    second = [random.choice(of) for _ in range(n)]
    alike = torch.tensor([float(growers[a] == growers[b]) for a, b in zip(first, second)])
    return x[first], x[second], alike


class PairLoss(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def forward(self, left, right, alike):
        distance = nn.functional.pairwise_distance(left, right)
        near = distance.pow(2)
        apart = torch.clamp(self.margin - distance, min=0.0).pow(2)
        return (0.5 * (1 - alike) * near + 0.5 * alike * apart).mean()


nose = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 8))
pair_loss = PairLoss(margin=2.0)
optimizer = torch.optim.Adam(nose.parameters(), lr=3e-3)
test_left, test_right, test_alike = glasses(unknown, 500)
for epoch in range(8):
    nose.train()
    for _ in range(30):
        left, right, alike = glasses(known, 40)
        optimizer.zero_grad()
        loss = pair_loss(nose(left), nose(right), alike)
        loss.backward()
        optimizer.step()
    nose.eval()
    with torch.no_grad():
        far = nn.functional.pairwise_distance(nose(test_left), nose(test_right))
    print(f"epoch {epoch} loss {loss.item():.4f} auc {roc_auc_score(test_alike, -far):.4f}")
