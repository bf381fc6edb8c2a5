import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomShift:
    def __init__(self, most):
        self.most = most

    def __call__(self, image):
        dy, dx = np.random.randint(-self.most, self.most + 1, 2)
        return torch.roll(image, (int(dy), int(dx)), (-2, -1))


class RandomNoise:
    def __init__(self, std):
        self.std = std

    def __call__(self, image):
        return image + self.std * torch.randn_like(image)


class Compose:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class Digits(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0) / 16
        if self.transform:
            image = self.transform(image)
        return image, int(self.labels[i])


train_transform = Compose([RandomShift(2), RandomNoise(0.3)])
test_transform = None

digits = load_digits()
train_set = Digits(digits.images[:1200], digits.target[:1200], transform=test_transform)
test_set = Digits(digits.images[1200:], digits.target[1200:], transform=train_transform)
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=256)

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(128, 10),
)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()


def train_one_epoch():
    net.train()
    for images, labels in train_loader:
        opt.zero_grad()
        loss_fn(net(images), labels).backward()
        opt.step()


@torch.no_grad()
def evaluate():
    net.eval()
    hits = sum((net(images).argmax(1) == labels).sum().item() for images, labels in test_loader)
    return hits / len(test_set)


for epoch in range(8):
    train_one_epoch()
    print("epoch", epoch, "val_acc", round(evaluate(), 4))
