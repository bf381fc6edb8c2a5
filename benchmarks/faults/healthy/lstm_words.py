"""A character model whose hidden state goes on from batch to batch, in the order of the text."""

import math
import torch
import torch.nn as nn

torch.manual_seed(0)
text = ("the quick brown fox jumps over the lazy dog and runs away from the angry bear " * 120).strip()
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
bptt, batch_size = 20, 16
n = len(ids) // batch_size
data = ids[: n * batch_size].view(batch_size, n).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, size, hidden=64):
        super().__init__()
        self.encoder = nn.Embedding(size, 32)
        self.rnn = nn.LSTM(32, hidden)
        self.drop = nn.Dropout(0.1)
        self.decoder = nn.Linear(hidden, size)

    def forward(self, x, hidden):
        out, hidden = self.rnn(self.drop(self.encoder(x)), hidden)
        return self.decoder(self.drop(out)), hidden

    def init_hidden(self, bsz):
        return (torch.zeros(1, bsz, 64), torch.zeros(1, bsz, 64))


model = RNNModel(len(chars))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
split = int(len(data) * 0.8)


def evaluate():
    model.eval()
    hidden = model.init_hidden(batch_size)
    total = count = 0
    with torch.no_grad():
        for i in range(split, len(data) - 1, bptt):
            x, y = data[i : i + bptt][: len(data) - 1 - i], data[i + 1 : i + 1 + bptt]
            out, hidden = model(x, hidden)
            total += criterion(out.reshape(-1, len(chars)), y.reshape(-1)).item()
            count += 1
    return total / count


for epoch in range(1, 5):
    model.train()
    hidden = model.init_hidden(batch_size)
    for i in range(0, split - 1, bptt):
        x, y = data[i : i + bptt], data[i + 1 : i + 1 + bptt]
        hidden = tuple(h.detach() for h in hidden)
        optimizer.zero_grad()
        out, hidden = model(x, hidden)
        loss = criterion(out.reshape(-1, len(chars)), y.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    valid = evaluate()
    print(f"| end of epoch {epoch:3d} | valid loss {valid:5.2f} | valid ppl {math.exp(valid):8.2f}")
