"""Fine-tuning: pretrain on small digits, then on all, with a new head."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
few = torch.where(y < 3)[0]
rows = torch.randperm(len(x))
tr, te = rows[:1300], rows[1300:]


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 8), nn.ReLU())
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.body(x))


model = Net(3)
pre = torch.optim.Adam(model.parameters(), lr=5e-3)
for _ in range(5):
    for part in few[torch.randperm(len(few))].split(32):
        pre.zero_grad()
        nn.functional.cross_entropy(model(x[part]), y[part]).backward()
        pre.step()

for parameter in model.body.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
model.fc = nn.Linear(8, 10)
for epoch in range(8):
    for part in tr[torch.randperm(len(tr))].split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[part]), y[part])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(x[te]).argmax(1) == y[te]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {acc:.4f}")
