"""The squirrel of the post as a plain program, which knows nothing of Backtrack: what is a line of text about?

backtrack checkup examples/plain_squirrel.py --metric accuracy --mode max --improve

Its weights start as the post's heuristic has them. In four epochs it learns. What it gains by is the initialisation,
and of its parts the embedding's alone.
"""

import argparse
import random
from pathlib import Path

import pyarrow.parquet as pq
import torch
from torch import nn

GLOSSES = Path(__file__).parents[1] / "tasks" / "data" / "glosses.parquet"
parser = argparse.ArgumentParser()
parser.add_argument("--data", default=str(GLOSSES))
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(0)

table = pq.read_table(args.data, columns=["topic", "definition"]).to_pydict()
lines = {True: [], False: []}
for topic, text in zip(table["topic"], table["definition"], strict=True):
    lines[topic == "communication"].append(text.lower()[:80])
pairs = []
for label, texts in lines.items():
    rng.shuffle(texts)
    pairs += [(text, int(label)) for text in texts[:2500]]
rng.shuffle(pairs)
X = torch.zeros(len(pairs), 80, dtype=torch.long)
for i, (text, _) in enumerate(pairs):
    codes = [min(ord(c), 127) for c in text]
    X[i, : len(codes)] = torch.tensor(codes)
y = torch.tensor([label for _, label in pairs])
train, valid = slice(0, 4000), slice(4000, 5000)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(128, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.out = nn.Linear(64, 2)
        self.init_weights()

    def init_weights(self):
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.uniform_(self.lstm.weight_ih_l0, -0.1, 0.1)
        for gate in self.lstm.weight_hh_l0.data.chunk(4):
            nn.init.orthogonal_(gate)
        nn.init.uniform_(self.out.weight, -0.1, 0.1)

    def forward(self, x):
        states, _ = self.lstm(self.embedding(x))
        states = states.masked_fill((x == 0).unsqueeze(2), -1e9)
        return self.out(states.max(1).values)


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
criterion = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    model.train()
    total = 0.0
    batches = torch.randperm(4000).split(32)
    for batch in batches:
        optimizer.zero_grad()
        loss = criterion(model(X[train][batch]), y[train][batch])
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[valid]).argmax(1) == y[valid]).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / len(batches):.4f} accuracy {accuracy:.4f}")
