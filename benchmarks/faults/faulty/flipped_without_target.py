"""Where is the blob? Regression of its x position, with flips as augmentation."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(5)
torch.manual_seed(5)


def make(n):
    pos = rng.uniform(2, 13, size=(n, 2))
    gx, gy = np.meshgrid(np.arange(16), np.arange(16))
    img = np.exp(-((gx - pos[:, :1, None]) ** 2 + (gy - pos[:, 1:, None]) ** 2) / 4.0)
    return img.astype("float32")[:, None], (pos[:, 0] / 16).astype("float32")


class Blobs(Dataset):
    def __init__(self, n, augment):
        self.img, self.x = make(n)
        self.augment = augment

    def __len__(self):
        return len(self.img)

    def __getitem__(self, i):
        img, target = torch.from_numpy(self.img[i]), torch.tensor(self.x[i])
        if self.augment and torch.rand(1) < 0.5:
            img = img.flip(-1)
        return img, target


train_loader = DataLoader(Blobs(1000, True), batch_size=50, shuffle=True)
val = Blobs(300, False)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 1),
)
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for img, target in train_loader:
        loss = nn.functional.mse_loss(model(img).squeeze(1), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        err = nn.functional.mse_loss(model(torch.from_numpy(val.img)).squeeze(1), torch.from_numpy(val.x)).sqrt()
    print(f"epoch {epoch} train {loss.item():.5f} val_rmse {err.item():.5f}")
