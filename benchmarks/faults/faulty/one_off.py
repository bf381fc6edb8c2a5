import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(12)


class Scans(Dataset):
    """Scans of digits; the first row of the table is a header and is skipped."""

    def __init__(self, first, last):
        bunch = load_digits()
        order = torch.randperm(len(bunch.data), generator=torch.Generator().manual_seed(0))
        self.rows = [torch.zeros(64)] + [torch.tensor(bunch.data[i], dtype=torch.float32) / 16 for i in order.tolist()]
        self.labels = [int(bunch.target[i]) for i in order.tolist()]
        self.first, self.last = first, last

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, index):
        index += self.first
        return self.rows[index], self.labels[index]


train = DataLoader(Scans(0, 1300), batch_size=50, shuffle=True)
valid = DataLoader(Scans(1300, 1790), batch_size=245)
net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
optim = torch.optim.Adam(net.parameters(), lr=1e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    for x, y in train:
        optim.zero_grad()
        loss = ce(net(x), y)
        loss.backward()
        optim.step()
    hits = 0
    with torch.no_grad():
        for x, y in valid:
            hits += (net(x).argmax(1) == y).sum().item()
    print(f"epoch {epoch} train loss {loss.item():.4f} valid accuracy {hits / len(valid.dataset):.4f}")
