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


class RowReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 32)
        self.out = nn.Linear(32, 10)

    def forward(self, inputs):
        states, _ = self.rnn(inputs.view(-1, 8, 8))
        return self.out(states[:, -1])


model = RowReader()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for idx in torch.randperm(1200).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
