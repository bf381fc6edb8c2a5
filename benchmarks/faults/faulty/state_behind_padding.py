"""Which letter came last? Lines of different lengths, padded with zeros at their end."""
import torch
from torch import nn

torch.manual_seed(0)


def lines(n, longest=40):
    x = torch.zeros(n, longest, dtype=torch.long)
    y = torch.zeros(n, dtype=torch.long)
    for i in range(n):
        length = int(torch.randint(4, 9, ()))
        x[i, :length] = torch.randint(1, 9, (length,))
        y[i] = x[i, length - 1] - 1
    return x, y


train_x, train_y = lines(1200)
test_x, test_y = lines(400)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 16)
        self.rnn = nn.RNN(16, 32, batch_first=True)
        self.head = nn.Linear(32, 8)

    def forward(self, x):
        states, _ = self.rnn(self.embed(x))
        return self.head(states[:, -1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(len(train_x)).split(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch} accuracy {acc:.4f}")
