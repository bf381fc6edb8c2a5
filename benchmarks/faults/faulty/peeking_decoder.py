import random
import torch
import torch.nn as nn

torch.manual_seed(0)
random.seed(0)
PAD, SOS, BASE, LEN = 0, 1, 2, 5
VOCAB = 10


def batch(n):
    src = torch.randint(BASE, VOCAB, (n, LEN))
    return src, src.flip(1)


class Seq2Seq(nn.Module):
    def __init__(self, hid=64):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 24)
        self.enc = nn.GRU(24, hid, batch_first=True)
        self.dec = nn.GRU(24, hid, batch_first=True)
        self.out = nn.Linear(hid, VOCAB)

    def forward(self, src, tgt):
        _, h = self.enc(self.emb(src))
        o, _ = self.dec(self.emb(tgt), h)
        return self.out(o)

    @torch.no_grad()
    def generate(self, src):
        _, h = self.enc(self.emb(src))
        tok = torch.full((len(src), 1), SOS)
        res = []
        for _ in range(LEN):
            o, h = self.dec(self.emb(tok), h)
            tok = self.out(o).argmax(-1)
            res.append(tok)
        return torch.cat(res, 1)


model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
crit = nn.CrossEntropyLoss()
for epoch in range(10):
    for _ in range(50):
        src, tgt = batch(64)
        dec_in = tgt
        loss = crit(model(src, dec_in).reshape(-1, VOCAB), tgt.reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    src, tgt = batch(200)
    acc = (model.generate(src) == tgt).float().mean().item()
    print(f"epoch {epoch + 1} train loss {loss.item():.4f} token accuracy {acc:.4f}")
