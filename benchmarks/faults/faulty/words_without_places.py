"""Is the first token larger than the last?"""

import torch
from torch import nn

torch.manual_seed(3)
def make(n, length=16):
    x = torch.randint(1, 8, (n, length))
    return x, (x[:, 0] > x[:, -1]).long()
train_x, train_y = make(3000)
val_x, val_y = make(500)

class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(8, 32)
        self.pos = nn.Parameter(torch.randn(16, 32) * 0.3)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        h = self.emb(x)
        h = self.layer(h)
        return self.out(h.mean(1))

model = Reader()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    for idx in torch.randperm(len(train_x)).split(50):
        loss = nn.functional.cross_entropy(model(train_x[idx]), train_y[idx])
        opt.zero_grad(); loss.backward(); opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(val_x).argmax(1) == val_y).float().mean().item()
    print(f"epoch={epoch} train_loss={loss.item():.4f} val_acc={acc:.4f}")
