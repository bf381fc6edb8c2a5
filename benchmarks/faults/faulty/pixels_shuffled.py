import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
order = torch.randperm(len(images))
train_rows, test_rows = order[:1400], order[1400:]


def augment(batch):
    """Shifts the images a little, and drops out some pixels."""
    n, c, h, w = batch.shape
    batch = torch.roll(batch, shifts=(torch.randint(-1, 2, (1,)).item(),), dims=(3,))
    flat = batch.reshape(n, -1)
    flat = flat[:, torch.randperm(h * w)]
    return flat.reshape(n, c, h, w)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.fc(x.flatten(1))


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in train_rows[torch.randperm(len(train_rows))].split(64):
        loss = F.cross_entropy(net(augment(images[rows])), labels[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (net(images[test_rows]).argmax(1) == labels[test_rows]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
