"""Whether a line is good or bad."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
random.seed(5)
VOCAB, LENGTH = 30, 12


def sentence():
    words = [random.randrange(2, VOCAB) for _ in range(LENGTH)]
    label = random.randrange(2)
    for _ in range(3):
        words[random.randrange(LENGTH)] = 0 if label == 0 else 1
    return words, label


pairs = [sentence() for _ in range(1500)]
x = torch.tensor([words for words, _ in pairs])
y = torch.tensor([label for _, label in pairs])
train = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)
valid = DataLoader(TensorDataset(x[1200:], y[1200:]), batch_size=50)


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.classifier = nn.Linear(32, 2)

    def forward(self, tokens):
        out, _ = self.gru(self.embedding(tokens))
        return self.classifier(out[:, 0, :])


model = Sentiment()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
for epoch in range(8):
    model.train()
    running = 0
    for tokens, label in train:
        optimizer.zero_grad()
        loss = loss_fn(model(tokens), label)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    right = 0
    with torch.no_grad():
        for tokens, label in valid:
            right += (model(tokens).argmax(-1) == label).sum().item()
    print({"epoch": epoch, "loss": running / len(train), "accuracy": right / 300})
