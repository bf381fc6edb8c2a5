import torch
import torch.nn as nn

torch.manual_seed(5)
LENGTH = 12


def batch(n):
    steps = torch.randint(0, 2, (n, LENGTH)) * 2 - 1
    x = steps.float().unsqueeze(-1)
    return x, (steps.sum(1) > 0).long()


class Majority(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.head(states[:, 0])


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(-1) == y).float().mean().item()


model = Majority()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
x_val, y_val = batch(500)
for epoch in range(6):
    model.train()
    for _ in range(40):
        x, y = batch(32)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"Epoch {epoch}: loss={loss.item():.4f} val_accuracy={accuracy(model, x_val, y_val):.4f}")
