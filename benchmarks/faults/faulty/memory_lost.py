"""Was there an even number of ones? Read bit by bit by a GRU cell."""
import torch
from torch import nn

torch.manual_seed(18)
X = torch.randint(0, 2, (2000, 8)).float()
y = (X[:, :4].sum(1) > X[:, 4:].sum(1)).long()


class Reader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(1, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        for t in range(x.shape[1]):
            h = torch.zeros(len(x), self.hidden)
            h = self.cell(x[:, t:t + 1], h)
        return self.out(h)


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    for idx in torch.randperm(1600).split(80):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(X[1600:]).argmax(1) == y[1600:]).float().mean().item()
    print(f"epoch {epoch}, loss {loss.item():.4f}, accuracy {acc:.4f}")
