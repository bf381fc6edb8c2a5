"""Encoder and classifier have an optimiser each."""
import torch
from torch import nn

torch.manual_seed(17)
X = torch.randn(2000, 20)
y = ((X[:, :4].pow(2).sum(1) > 3.4).long() + (X[:, 4] * X[:, 5] > 0).long())
encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4), nn.ReLU())
classifier = nn.Linear(4, 3)
opt_enc = torch.optim.Adam(encoder.parameters(), lr=1e-2)
opt_cls = torch.optim.Adam(classifier.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss()
for epoch in range(40):
    encoder.train(), classifier.train()
    for idx in torch.randperm(1600).split(40):
        opt_enc.zero_grad()
        opt_cls.zero_grad()
        loss = criterion(classifier(encoder(X[idx])), y[idx])
        loss.backward()
        opt_cls.step()
    with torch.no_grad():
        acc = (classifier(encoder(X[1600:])).argmax(1) == y[1600:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
