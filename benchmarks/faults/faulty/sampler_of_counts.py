import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(4)
COUNTS = [900, 300, 100, 60]
g = torch.Generator().manual_seed(1)
means = torch.randn(4, 12, generator=g) * 1.2


def make(counts):
    xs = [means[c] + torch.randn(n, 12, generator=g) for c, n in enumerate(counts)]
    return torch.cat(xs), torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])


x_train, y_train = make(COUNTS)
x_test, y_test = make([100, 100, 100, 100])
counts = torch.bincount(y_train).float()
weights = (counts**2)[y_train]
sampler = WeightedRandomSampler(weights, num_samples=len(y_train), replacement=True)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, sampler=sampler)
model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        predicted = model(x_test).argmax(1)
    recalls = [(predicted[y_test == c] == c).float().mean().item() for c in range(4)]
    print(f"epoch={epoch} loss={loss.item():.4f} balanced_accuracy={sum(recalls) / 4:.4f}")
