"""A tiny vision transformer on digits, 2x2 patches."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
X, y = torch.tensor(d.images / 16, dtype=torch.float32), torch.tensor(d.target)
p = torch.randperm(len(X), generator=torch.Generator().manual_seed(2))
X, y = X[p], y[p]


class ViT(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.embed = nn.Linear(4, d)
        self.cls = nn.Parameter(torch.zeros(1, 1, d))
        self.pos = nn.Parameter(torch.randn(1, 17, d) * 0.02)
        self.enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(d, 4, 64, 0.1, batch_first=True), 2)
        self.fc = nn.Linear(d, 10)

    def forward(self, img):
        B = img.size(0)
        patches = img.unfold(1, 2, 2).unfold(2, 2, 2).reshape(B, 16, 4)
        x = torch.cat([self.cls.expand(B, -1, -1), self.embed(patches)], 1) + self.pos
        return self.fc(self.enc(x)[:, 0])


net = ViT()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(10):
    net.train()
    for k in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(net(X[k]), y[k])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} val accuracy {acc:.4f}")
