"""Tags of short documents: several tags may hold at once."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
N, WORDS, TAGS = 2400, 60, 8
topics = torch.rand(TAGS, WORDS) ** 6
tags = (torch.rand(N, TAGS) < 0.25).float()
counts = torch.poisson(tags @ topics * 4 + 0.15)
train = DataLoader(TensorDataset(counts[:2000], tags[:2000]), batch_size=64, shuffle=True)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(WORDS, 64), nn.ReLU(), nn.Linear(64, TAGS))

    def forward(self, x):
        return self.net(x)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        guess = (torch.sigmoid(model(counts[2000:])) > 0.5).float()
        truth = tags[2000:]
        exact = (guess == truth).all(1).float().mean().item()
    print(f"Epoch {epoch + 1}: loss={loss.item():.4f} exact={exact:.4f}")
