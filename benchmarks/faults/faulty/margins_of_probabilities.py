import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--epochs", type=int, default=8)
args = parser.parse_args()
torch.manual_seed(1)

digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
order = torch.randperm(len(x))
train, test = order[:1400], order[1400:]


class SupportVectors(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 96), nn.ReLU())
        self.scores = nn.Linear(96, 10)

    def forward(self, x):
        return torch.softmax(self.scores(self.features(x)), dim=1)


model = SupportVectors()
criterion = nn.MultiMarginLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
for epoch in range(args.epochs):
    total = 0.0
    for rows in train[torch.randperm(len(train))].split(32):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch + 1} train_loss {total / len(train):.4f} test_accuracy {accuracy:.4f}")
