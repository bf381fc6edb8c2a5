import torch
import torch.nn as nn

torch.manual_seed(0)
g = torch.Generator().manual_seed(5)
V, T, PAD = 12, 30, 0


def lines(n):
    length = torch.randint(3, 8, (n,), generator=g)
    ids = torch.randint(2, V, (n, T), generator=g)
    y = torch.randint(0, 2, (n,), generator=g)
    where = (torch.rand(n, generator=g) * length).long()
    marked = ids.clone()
    marked[torch.arange(n), where] = 1
    ids = torch.where(y[:, None] == 1, marked, ids)
    pad = torch.arange(T)[None] >= length[:, None]
    return ids.masked_fill(pad, PAD), y


x, y = lines(2400)
vx, vy = lines(500)


class Encoder(nn.Module):
    def __init__(self, d=24):
        super().__init__()
        self.emb = nn.Embedding(V, d)
        self.q = nn.Parameter(torch.randn(1, 1, d))
        self.att = nn.MultiheadAttention(d, 2, batch_first=True)
        self.out = nn.Linear(d, 2)

    def forward(self, ids):
        e = self.emb(ids)
        keep = (ids != PAD).float()
        mask = -30 * (1 - keep)
        h, _ = self.att(self.q.expand(len(ids), 1, -1), e, e, key_padding_mask=mask)
        return self.out(h[:, 0])


net = Encoder()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for i in torch.randperm(2400).split(80):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {(net(vx).argmax(1) == vy).float().mean().item():.4f}")
