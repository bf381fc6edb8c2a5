"""Word averaging classifier of short reviews, with a vocabulary built from the training texts."""
import argparse
import random
from collections import Counter

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

GOOD = "great lovely superb charming bright clever warm moving funny delightful".split()
BAD = "dull weak boring awful clumsy flat messy tired noisy pointless".split()
FILL = "the film plot actor scene was with and very some story music end start part".split()


def make(n, rng, shout):
    out = []
    for _ in range(n):
        label = rng.randint(0, 1)
        words = [rng.choice(FILL) for _ in range(rng.randint(6, 14))]
        for _ in range(rng.randint(1, 3)):
            words.insert(rng.randrange(len(words)), rng.choice(GOOD if label else BAD))
        text = " ".join(w.capitalize() if rng.random() < shout else w for w in words)
        out.append((text, label))
    return out


def tokenize(text):
    return text.split()


class Reviews(Dataset):
    def __init__(self, rows, vocab):
        self.rows, self.vocab = rows, vocab

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, label = self.rows[i]
        return torch.tensor([self.vocab.get(w, 1) for w in tokenize(text)]), label


def collate(batch):
    ids, labels = zip(*batch)
    return pad_sequence(ids, batch_first=True), torch.tensor(labels, dtype=torch.float32)


class Averager(nn.Module):
    def __init__(self, words, dim=32):
        super().__init__()
        self.embed = nn.Embedding(words, dim, padding_idx=0)
        self.out = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1).float()
        mean = (self.embed(ids) * mask).sum(1) / mask.sum(1)
        return self.out(mean).squeeze(-1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    rng = random.Random(17)
    train, valid = make(1500, rng, 0.0), make(500, rng, 1.0)
    counts = Counter(w for text, _ in train for w in tokenize(text))
    vocab = {w: i + 2 for i, (w, _) in enumerate(counts.most_common())}
    loader = DataLoader(Reviews(train, vocab), 32, shuffle=True, collate_fn=collate)
    held = DataLoader(Reviews(valid, vocab), 128, collate_fn=collate)
    model = Averager(len(vocab) + 2)
    opt = torch.optim.Adam(model.parameters(), lr=a.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(a.epochs):
        model.train()
        for ids, labels in loader:
            opt.zero_grad()
            loss = criterion(model(ids), labels)
            loss.backward()
            opt.step()
        model.eval()
        hit = n = 0
        with torch.no_grad():
            for ids, labels in held:
                hit += ((model(ids) > 0) == (labels > 0.5)).sum().item()
                n += len(labels)
        print(f"[{epoch}] loss={loss.item():.4f} acc={hit / n:.4f}")


if __name__ == "__main__":
    main()
