"""Which word rules a sentence? Padded lines go through a transformer with the mask of what is there."""
import torch
from torch import nn

torch.manual_seed(4)
V, D, L = 30, 32, 16


def lines(n, seed):
    g = torch.Generator().manual_seed(seed)
    t = torch.zeros(n, L, dtype=torch.long)
    y = torch.zeros(n, dtype=torch.long)
    for i in range(n):
        k = int(torch.randint(3, 8, (1,), generator=g))
        words = torch.randint(5, V, (k,), generator=g)
        c = int(torch.randint(1, 5, (1,), generator=g))
        words[int(torch.randint(0, k, (1,), generator=g))] = c
        t[i, :k], y[i] = words, c - 1
    return t, y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, D, padding_idx=0)
        self.att = nn.MultiheadAttention(D, 2, batch_first=True)
        self.query = nn.Parameter(torch.randn(1, 1, D) * 0.1)
        self.out = nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, t):
        e = self.emb(t)
        mask = t != 0
        pooled, _ = self.att(self.query.expand(len(t), 1, D), e, e, key_padding_mask=mask)
        return self.out(pooled[:, 0])


train, test = lines(1500, 1), lines(400, 2)
net = Net()
opt = torch.optim.Adam(net.parameters(), 3e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(8):
    net.train()
    for i in torch.randperm(1500).split(50):
        loss = ce(net(train[0][i]), train[1][i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(test[0]).argmax(1) == test[1]).float().mean()
    print(f"{epoch} loss={loss:.3f} acc={acc:.3f}")
