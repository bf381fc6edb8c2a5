"""Trains a small net."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(images))
x = torch.tensor(images, dtype=torch.float32)[order] / 16
y = torch.tensor(labels)[order]
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2)
        self.proj = nn.Linear(72, 4)

    def forward(self, inputs):
        return torch.relu(self.proj(torch.relu(self.conv(inputs)).flatten(1)))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(4, 10)

    def forward(self, inputs):
        features = self.encoder(inputs.view(-1, 1, 8, 8)).detach()
        return self.head(features)


model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for idx in torch.randperm(1200).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
