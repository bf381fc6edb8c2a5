import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(4)
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
Y = torch.tensor(d.target)


class Backbone(nn.Module):
    def __init__(self, num_classes=5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
        )
        self.fc = nn.Linear(128, num_classes)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


def run_epoch(model, opt, x, y):
    for i in torch.randperm(len(x)).split(25):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        loss.backward()
        opt.step()
    return loss.item()


# pretrain on the digits 0 to 4
low = (Y < 5).nonzero().flatten()
model = Backbone()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for _ in range(4):
    run_epoch(model, opt, X[low], Y[low])
# fine-tune on the digits 5 to 9: a new head, the rest frozen
model.fc = nn.Linear(128, 5)
for p in model.parameters():
    p.requires_grad = False
model.fc.bias.requires_grad = True
high = (Y >= 5).nonzero().flatten()
train, test = high[:700], high[700:]
opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=2e-3)
for epoch in range(10):
    loss = run_epoch(model, opt, X[train], Y[train] - 5)
    with torch.no_grad():
        acc = (model(X[test]).argmax(1) == Y[test] - 5).float().mean().item()
    print(f"fine-tuning epoch {epoch}: loss {loss:.3f} accuracy {acc:.3f}")
