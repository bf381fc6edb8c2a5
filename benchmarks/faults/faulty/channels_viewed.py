import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(1)
rng = np.random.default_rng(1)


def images(n):
    """Colour images (height, width, channel); the class is the colour in which a bar stands."""
    x = rng.normal(0, 0.6, (n, 12, 12, 3)).astype("float32")
    y = rng.integers(0, 3, n)
    for i in range(n):
        row = rng.integers(0, 11)
        x[i, row:row + 2, :, y[i]] += 1.5
    return x, torch.tensor(y)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.body(x).amax((2, 3)))


x, y = images(1200)
x = torch.from_numpy(x).view(-1, 3, 12, 12)
net = CNN()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for i in torch.randperm(900).split(30):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(f"epoch {epoch} accuracy {(net(x[900:]).argmax(1) == y[900:]).float().mean():.4f}")
