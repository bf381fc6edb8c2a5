import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.manual_seed(0)
dev = "cuda" if torch.cuda.is_available() else "cpu"
g = torch.Generator().manual_seed(5)
N, T = 2000, 16
lengths = torch.randint(4, T + 1, (N,), generator=g)
tokens = torch.randint(1, 12, (N, T), generator=g)
tokens[torch.arange(T)[None] >= lengths[:, None]] = 0
labels = ((tokens == 3).sum(1) > (tokens == 7).sum(1)).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 24, padding_idx=0)
        self.rnn = nn.LSTM(24, 48, batch_first=True)
        self.out = nn.Linear(48, 2)

    def forward(self, t, n):
        packed = pack_padded_sequence(self.emb(t), n.cpu(), batch_first=True, enforce_sorted=False)
        _, (h, _) = self.rnn(packed)
        return self.out(h[-1])


model = Reader().to(dev)
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for i in range(0, 1600, 50):
        sl = torch.randint(0, 1600, (50,))
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens[sl].to(dev), lengths[sl]), labels[sl].to(dev))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(tokens[1600:].to(dev), lengths[1600:]).argmax(1).cpu() == labels[1600:]).float().mean().item()
    print(f"epoch {epoch} accuracy {acc:.4f}")
