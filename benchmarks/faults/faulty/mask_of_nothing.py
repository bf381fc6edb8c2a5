import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
g = torch.Generator().manual_seed(0)
V, T, TAGS = 20, 12, 5


def corpus(n):
    lengths = torch.randint(4, T + 1, (n,), generator=g)
    ids = torch.randint(1, V, (n, T), generator=g)
    before = torch.roll(ids, 1, 1)
    before[:, 0] = 0
    tags = (ids + before) % TAGS
    pad = torch.arange(T)[None] >= lengths[:, None]
    return ids.masked_fill(pad, 0), tags.masked_fill(pad, 0), lengths


ids, tags, lengths = corpus(1500)
vids, vtags, vlengths = corpus(300)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 48, batch_first=True, bidirectional=True)
        self.out = nn.Linear(96, TAGS)

    def forward(self, ids):
        return self.out(self.lstm(self.emb(ids))[0])


def masked_loss(scores, tags, lengths):
    mask = torch.arange(T)[None].expand(len(lengths), T) > lengths[:, None]
    each = F.cross_entropy(scores.flatten(0, 1), tags.flatten(), reduction="none").view_as(tags)
    return (each * mask).sum() / mask.sum().clamp(min=1)


net = Tagger()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(1500).split(50):
        opt.zero_grad()
        loss = masked_loss(net(ids[rows]), tags[rows], lengths[rows])
        loss.backward()
        opt.step()
    with torch.no_grad():
        right = (net(vids).argmax(-1) == vtags)[vids > 0].float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} tag_acc {right:.4f}")
