"""Reverses a line of symbols; teacher forcing in training, greedy decoding where it is judged."""
import torch
from torch import nn

torch.manual_seed(0)
V, T, BOS = 8, 5, 8


class Seq2Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V + 1, 24)
        self.enc = nn.GRU(24, 64, batch_first=True)
        self.dec = nn.GRU(24, 64, batch_first=True)
        self.out = nn.Linear(64, V)

    def forward(self, source, target):
        _, state = self.enc(self.emb(source))
        before = torch.cat([torch.full((len(source), 1), BOS), target[:, :-1]], 1)
        return self.out(self.dec(self.emb(before), state)[0])

    def decode(self, source):
        _, state = self.enc(self.emb(source))
        word, said = torch.full((len(source), 1), BOS), []
        for _ in range(T):
            hidden, state = self.dec(self.emb(word), state)
            word = self.out(hidden).argmax(-1)
            said.append(word)
        return torch.cat(said, 1)


train, test = torch.randint(V, (2000, T)), torch.randint(V, (300, T))
model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(2000).split(50):
        target = train[rows].flip(1)
        loss = nn.functional.cross_entropy(model(train[rows], target).flatten(0, 1), target.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model.decode(test) == test.flip(1)).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} token_accuracy {acc:.4f}")
