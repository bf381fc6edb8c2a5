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


class Deep(nn.Module):
    def __init__(self, depth=3, width=48):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.blocks = [nn.Linear(width, width) for _ in range(depth)]
        for block in self.blocks:
            nn.init.normal_(block.weight, std=2.0)
        self.head = nn.Linear(width, 10)

    def forward(self, inputs):
        hidden = torch.tanh(self.first(inputs))
        for block in self.blocks:
            hidden = torch.tanh(block(hidden))
        return self.head(hidden)


model = Deep()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for idx in torch.randperm(1200).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
