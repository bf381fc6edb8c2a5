"""Is the first of two marks a left one? A transformer encoder on short lines."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=500):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class Classifier(nn.Module):
    def __init__(self, vocab=8, d_model=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        self.places = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead=4, dim_feedforward=64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.out = nn.Linear(d_model, 2)

    def forward(self, ids):
        return self.out(self.encoder(self.places(self.embedding(ids))).mean(dim=1))


def lines(n, length=12):
    ids = torch.randint(2, 8, (n, length))
    labels = torch.randint(0, 2, (n,))
    for row in range(n):
        a, b = sorted(torch.randperm(length)[:2].tolist())
        ids[row, a], ids[row, b] = (0, 1) if labels[row] else (1, 0)
    return TensorDataset(ids, labels)


train = DataLoader(lines(3000), batch_size=50, shuffle=True)
valid = DataLoader(lines(500), batch_size=50)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    for ids, labels in train:
        optimizer.zero_grad()
        loss = criterion(model(ids), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for ids, labels in valid:
            correct += (model(ids).argmax(1) == labels).sum().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} val_acc {correct / 500:.4f}")
