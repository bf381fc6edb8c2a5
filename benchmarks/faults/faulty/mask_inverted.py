import torch
import torch.nn as nn

torch.manual_seed(0)
PAD, VOCAB, T = 0, 30, 24


def batch(n):
    x = torch.full((n, T), PAD)
    y = torch.randint(0, 3, (n,))
    for i in range(n):
        length = int(torch.randint(6, 16, (1,)))
        x[i, :length] = torch.randint(4, VOCAB, (length,))
        x[i, torch.randint(0, length, (1,))] = y[i] + 1
    return x, y


class AttentionPool(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.score = nn.Linear(dim, 1)
        self.classify = nn.Linear(dim, 3)

    def forward(self, x):
        e = self.embed(x)
        scores = self.score(torch.tanh(e)).squeeze(-1)
        scores = scores.masked_fill(x != PAD, -1e9)
        weights = scores.softmax(-1)
        return self.classify((weights.unsqueeze(-1) * e).sum(1))


xt, yt = batch(1500)
xv, yv = batch(300)
model = AttentionPool()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for idx in torch.randperm(1500).split(30):
        loss = nn.functional.cross_entropy(model(xt[idx]), yt[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {accuracy:.4f}")
