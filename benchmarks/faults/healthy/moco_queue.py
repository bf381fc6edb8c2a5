"""MoCo: contrastive learning against a queue of keys, with a momentum encoder; a probe judges it."""
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
data = load_digits()
x, y = torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)
encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32))
slow = copy.deepcopy(encoder)
for p in slow.parameters():
    p.requires_grad_(False)
queue = F.normalize(torch.randn(512, 32), dim=1)
opt = torch.optim.SGD(encoder.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)


def view(batch):
    return batch + 0.15 * torch.randn_like(batch)


for epoch in range(15):
    for idx in torch.randperm(1400).split(64):
        q = F.normalize(encoder(view(x[idx])), dim=1)
        with torch.no_grad():
            k = F.normalize(slow(view(x[idx])), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / 0.2
        loss = F.cross_entropy(logits, torch.zeros(len(idx), dtype=torch.long))
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for a, b in zip(slow.parameters(), encoder.parameters()):
                a.mul_(0.99).add_(b, alpha=0.01)
            queue = torch.cat([k, queue])[:512]
    with torch.no_grad():
        bank, test = F.normalize(encoder(x[:1400]), dim=1), F.normalize(encoder(x[1400:]), dim=1)
        nearest = (test @ bank.T).topk(5, dim=1).indices
        accuracy = (y[nearest].mode(1).values == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} knn_accuracy {accuracy:.4f}")
