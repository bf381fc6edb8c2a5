import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
g = torch.Generator().manual_seed(14)


def make(n, T=10):
    x = torch.randint(0, 2, (n, T), generator=g).float()
    return x.unsqueeze(-1), x.sum(1).long()


X, Y = make(2000)
VX, VY = make(400)
loader = DataLoader(TensorDataset(X, Y), 40, shuffle=True, drop_last=True)
vloader = DataLoader(TensorDataset(VX, VY), 40)


class Counter(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 11)

    def forward(self, x, h):
        o, h = self.rnn(x, h)
        return self.out(o[:, -1]), h


net = Counter()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss()
h = torch.zeros(1, 40, 32)
for epoch in range(10):
    for x, y in loader:
        logits, h = net(x, h)
        h = h.detach()
        loss = loss_fn(logits, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    right = 0
    with torch.no_grad():
        for x, y in vloader:
            logits, _ = net(x, torch.zeros(1, 40, 32))
            right += (logits.argmax(1) == y).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} val_acc {right / 400:.4f}")
