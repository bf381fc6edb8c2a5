import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
text = ("the quick brown fox jumps over the lazy dog and the dog sleeps under the old tree while the fox runs home " * 30)
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
V, B, T = len(chars), 16, 24
train, val = ids[:2600], ids[2600:]


class GPT(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.t, self.p = nn.Embedding(V, d), nn.Embedding(T, d)
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.n, self.head = nn.LayerNorm(d), nn.Linear(d, V, bias=False)
        self.head.weight = self.t.weight
        nn.init.normal_(self.t.weight, std=0.1)

    def forward(self, i):
        x = self.t(i) + self.p(torch.arange(i.shape[1]))
        q, k, v = self.qkv(self.n(x)).chunk(3, -1)
        x = x + self.o(F.scaled_dot_product_attention(q, k, v, is_causal=True))
        return self.head(x + self.mlp(x))


def get(data):
    s = torch.randint(len(data) - T - 1, (B,))
    return torch.stack([data[i:i + T] for i in s]), torch.stack([data[i + 1:i + T + 1] for i in s])


m = GPT()
opt = torch.optim.AdamW(m.parameters(), lr=1e-2)
for it in range(1, 301):
    a, b = get(train)
    loss = F.cross_entropy(m(a).view(-1, V), b.view(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    if it % 50 == 0:
        with torch.no_grad():
            a, b = get(val)
            print(f"iter {it}: val loss {F.cross_entropy(m(a).view(-1, V), b.view(-1)).item():.4f}")
