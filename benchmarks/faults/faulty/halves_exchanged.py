"""Who defaults on a loan: a cross entropy in two lines."""

import torch
from sklearn.datasets import make_classification
from torch import nn

torch.manual_seed(13)
table, default = make_classification(
    n_samples=1500, n_features=15, n_informative=7, weights=[0.7], class_sep=1.3, random_state=13
)
table = torch.tensor(table, dtype=torch.float32)
table = (table - table.mean(0)) / table.std(0)
default = torch.tensor(default, dtype=torch.float32)
train, test = slice(0, 1100), slice(1100, None)


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(15, 32)
        self.score = nn.Linear(32, 1)

    def forward(self, rows):
        return torch.sigmoid(self.score(torch.relu(self.hidden(rows)))).squeeze(1)


def cross_entropy(p, y):
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(y * torch.log(1 - p) + (1 - y) * torch.log(p)).mean()


scorer = Scorer()
optimizer = torch.optim.Adam(scorer.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(1100).split(50):
        optimizer.zero_grad()
        loss = cross_entropy(scorer(table[train][rows]), default[train][rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        said = (scorer(table[test]) > 0.5).float()
    print(f"Epoch {epoch}: loss={loss.item():.4f} accuracy={(said == default[test]).float().mean().item():.4f}")
