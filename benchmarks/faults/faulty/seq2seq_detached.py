import torch
import torch.nn as nn

torch.manual_seed(2)
g = torch.Generator().manual_seed(2)
V, T = 10, 6
SOS = V


def pairs(n):
    src = torch.randint(0, V, (n, T), generator=g)
    return src, src.flip(1)


src, tgt = pairs(3000)
vsrc, vtgt = pairs(300)


class Encoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.e, self.rnn = nn.Embedding(V, 24), nn.GRU(24, h, batch_first=True)

    def forward(self, x):
        _, h = self.rnn(self.e(x))
        return h


class Decoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.e, self.rnn, self.o = nn.Embedding(V + 1, 24), nn.GRU(24, h, batch_first=True), nn.Linear(h, V)

    def forward(self, y, h):
        out, h = self.rnn(self.e(y), h)
        return self.o(out), h


enc, dec = Encoder(96), Decoder(96)
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=4e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(8):
    for i in torch.randperm(3000).split(100):
        context = enc(src[i]).detach()
        inp = torch.cat([torch.full((len(i), 1), SOS), tgt[i][:, :-1]], 1)
        logits, _ = dec(inp, context)
        loss = ce(logits.reshape(-1, V), tgt[i].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        h, y, said = enc(vsrc), torch.full((300, 1), SOS), []
        for _ in range(T):
            o, h = dec(y, h)
            y = o[:, -1].argmax(-1, keepdim=True)
            said.append(y)
        token_acc = (torch.cat(said, 1) == vtgt).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} token_acc {token_acc:.4f}")
