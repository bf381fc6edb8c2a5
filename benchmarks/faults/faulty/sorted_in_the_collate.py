import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

random.seed(4)
torch.manual_seed(4)


class Notes(Dataset):
    """Sequences of 1..9; the label says whether high or low notes are the more frequent."""

    def __init__(self, n):
        self.rows = []
        for _ in range(n):
            length = random.randint(4, 20)
            high = random.random() < 0.5
            p = 0.75 if high else 0.25
            notes = [random.randint(5, 9) if random.random() < p else random.randint(1, 4) for _ in range(length)]
            self.rows.append((torch.tensor(notes), int(sum(x > 4 for x in notes) * 2 > length)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(batch):
    notes = sorted([b[0] for b in batch], key=len, reverse=True)
    labels = torch.tensor([b[1] for b in batch])
    return pad_sequence(notes, batch_first=True), torch.tensor([len(n) for n in notes]), labels


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.fc = nn.Linear(32, 2)

    def forward(self, x, lengths):
        _, h = self.gru(pack_padded_sequence(self.emb(x), lengths, batch_first=True))
        return self.fc(h[-1])


train_loader = DataLoader(Notes(800), batch_size=32, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(Notes(300), batch_size=64, collate_fn=collate)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    for x, lengths, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x, lengths), y)
        loss.backward()
        optimizer.step()
    model.eval()
    hits = n = 0
    with torch.no_grad():
        for x, lengths, y in valid_loader:
            hits += (model(x, lengths).argmax(1) == y).sum().item()
            n += len(y)
    print(f"Epoch {epoch + 1}: train loss {loss.item():.3f}, val_acc: {hits / n:.4f}")
