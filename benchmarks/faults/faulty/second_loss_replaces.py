"""Two heads on one trunk: which digit, and how much ink."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
ink = x.mean(1)
rows = torch.randperm(len(x))
tr, te = rows[:1300], rows[1300:]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.digit = nn.Linear(64, 10)
        self.ink = nn.Linear(64, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.digit(h), self.ink(h).squeeze(1)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def losses(self, batch):
        digit, amount = self.model(x[batch])
        loss = nn.functional.cross_entropy(digit, y[batch])
        loss = nn.functional.mse_loss(amount, ink[batch])
        return loss

    def epoch(self):
        self.model.train()
        for batch in tr[torch.randperm(len(tr))].split(64):
            self.optimizer.zero_grad()
            loss = self.losses(batch)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        return (self.model(x[te])[0].argmax(1) == y[te]).float().mean().item()


trainer = Trainer(TwoHeads(), 2e-3)
for epoch in range(8):
    loss = trainer.epoch()
    print(f"epoch {epoch} loss {loss:.4f} digit_accuracy {trainer.evaluate():.4f}")
