import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """Digits, each scaled into one preallocated buffer: saves an allocation per item."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.buffer = torch.empty(64)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        torch.div(self.images[index], 16, out=self.buffer)
        return self.buffer, self.labels[index]


def main(epochs=8, lr=1e-3):
    torch.manual_seed(11)
    d = load_digits()
    x, y = torch.tensor(d.data, dtype=torch.float32), torch.tensor(d.target)
    keep = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    x, y = x[keep], y[keep]
    loader = DataLoader(Digits(x[:1400], y[:1400]), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            accuracy = (model(x[1400:] / 16).argmax(1) == y[1400:]).float().mean().item()
        print({"epoch": epoch, "loss": round(total / len(loader), 4), "accuracy": round(accuracy, 4)})


if __name__ == "__main__":
    main()
