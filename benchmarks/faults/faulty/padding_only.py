import torch
from torch import nn

torch.manual_seed(19)
PAD, VOCAB, LENGTH = 0, 12, 10


def tagged(n):
    words = torch.randint(1, VOCAB, (n, LENGTH))
    lengths = torch.randint(4, LENGTH + 1, (n,))
    padding = torch.arange(LENGTH)[None] >= lengths[:, None]
    before = torch.cat([torch.zeros(n, 1, dtype=torch.long), words[:, :-1]], 1)
    tags = (words + before) % 3 + 1
    words[padding] = PAD
    tags[padding] = PAD
    return words, tags


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 16, padding_idx=PAD)
        self.lstm = nn.LSTM(16, 32, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(64, 4)

    def forward(self, words):
        return self.fc(self.lstm(self.emb(words))[0])


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
ce = nn.CrossEntropyLoss(reduction="none")
train_w, train_t = tagged(1000)
val_w, val_t = tagged(300)
for epoch in range(6):
    for rows in torch.randperm(1000).split(32):
        words, tags = train_w[rows], train_t[rows]
        mask = (words == PAD).float()
        each = ce(model(words).transpose(1, 2), tags)
        loss = (each * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        keep = val_w != PAD
        acc = (model(val_w).argmax(-1) == val_t)[keep].float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} tag_acc {acc:.4f}")
