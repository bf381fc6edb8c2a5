"""Segments bright discs out of noisy pictures."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(11)


def make(n, size=24):
    yy, xx = np.mgrid[:size, :size]
    images, masks = [], []
    for _ in range(n):
        cy, cx = rng.integers(5, size - 5, 2)
        r = rng.integers(3, 6)
        disc = (yy - cy) ** 2 + (xx - cx) ** 2 <= r**2
        image = 60 + 70 * disc + rng.normal(0, 45, (size, size))
        images.append(np.clip(image, 0, 255).astype(np.uint8))
        masks.append((disc * 255).astype(np.uint8))
    return np.stack(images), np.stack(masks)


class Discs(Dataset):
    def __init__(self, images, masks):
        self.images, self.masks = images, masks

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).float().unsqueeze(0) / 255
        mask = torch.from_numpy(self.masks[i]).float().unsqueeze(0) / 255
        return image, mask


train_set, test_set = Discs(*make(300)), Discs(*make(80))
train_loader = DataLoader(train_set, batch_size=16, shuffle=True)
test_loader = DataLoader(test_set, batch_size=40)


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())


model = nn.Sequential(block(1, 8), block(8, 8), block(8, 8), nn.Conv2d(8, 1, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def iou():
    model.eval()
    inter = union = 0
    with torch.no_grad():
        for image, mask in test_loader:
            pred = torch.sigmoid(model(image)) > 0.5
            truth = mask > 0
            inter += (pred & truth).sum().item()
            union += (pred | truth).sum().item()
    return inter / max(union, 1)


for epoch in range(4):
    model.train()
    total = 0
    for image, mask in train_loader:
        loss = criterion(model(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"Epoch {epoch + 1}: loss {total / len(train_loader):.4f} IoU {iou():.4f}")
