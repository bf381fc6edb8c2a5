"""Tag each token of a sequence with the parity of the ones that came before it."""
import torch
from torch import nn

torch.manual_seed(9)


def make(n, length=16):
    bits = torch.randint(0, 4, (n, length))
    return bits, (bits == 1).long().cumsum(1) % 3


class Tagger(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(4, 16)
        self.rnn = nn.GRU(16, width, batch_first=True)
        self.out = nn.Linear(width, 3)

    def forward(self, x):
        h, _ = self.rnn(self.embed(x))
        return self.out(h)


net = Tagger()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
x_test, y_test = make(200)
for step in range(1, 401):
    x, y = make(32)
    logits = net(x)
    loss = nn.functional.cross_entropy(logits.reshape(-1, 3), y.t().reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        with torch.no_grad():
            tag_acc = (net(x_test).argmax(-1) == y_test).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} tag_acc {tag_acc:.4f}")
