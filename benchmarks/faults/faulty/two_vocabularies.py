"""Sentiment of short made-up reviews."""
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
GOOD = [f"good{i}" for i in range(40)]
BAD = [f"bad{i}" for i in range(40)]
PLAIN = [f"word{i}" for i in range(120)]


def review(label):
    own = GOOD if label else BAD
    words = [random.choice(own) if random.random() < 0.3 else random.choice(PLAIN) for _ in range(12)]
    return words, label


def build_vocab(reviews):
    vocab = {"<pad>": 0, "<unk>": 1}
    for words, _ in reviews:
        for word in words:
            vocab.setdefault(word, len(vocab))
    return vocab


def encode(reviews):
    vocab = build_vocab(reviews)
    ids = torch.tensor([[vocab.get(word, 1) for word in words] for words, _ in reviews])
    return ids, torch.tensor([label for _, label in reviews])


reviews = [review(i % 2) for i in range(1300)]
random.shuffle(reviews)
x_train, y_train = encode(reviews[:1000])
x_val, y_val = encode(reviews[1000:])


class Bag(nn.Module):
    def __init__(self, words=202, size=32):
        super().__init__()
        self.embed = nn.Embedding(words, size)
        self.out = nn.Linear(size, 2)

    def forward(self, ids):
        return self.out(self.embed(ids).mean(1))


model = Bag()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    model.train()
    for idx in torch.randperm(1000).split(32):
        loss = nn.functional.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} train loss {loss.item():.4f} val accuracy {accuracy:.4f}")
