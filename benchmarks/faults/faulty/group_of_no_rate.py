import torch
from sklearn.datasets import load_digits
from torch import nn

CONFIG = {"encoder": {"lr": 0.0}, "head": {"lr": 1e-2}, "momentum": 0.9, "epochs": 6, "batch": 40}
torch.manual_seed(21)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(digits.target)
shuffle = torch.randperm(len(labels), generator=torch.Generator().manual_seed(4))
images, labels = images[shuffle], labels[shuffle]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 16), nn.Tanh(), nn.Linear(16, 4), nn.Tanh()
        )
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        return self.head(self.encoder(x))


model = Classifier()
groups = [{"params": getattr(model, name).parameters(), **CONFIG[name]} for name in ("encoder", "head")]
optimizer = torch.optim.SGD(groups, lr=1e-2, momentum=CONFIG["momentum"])
for epoch in range(CONFIG["epochs"]):
    model.train()
    total = 0.0
    for idx in torch.randperm(1300).split(CONFIG["batch"]):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[idx]), labels[idx])
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(images[1300:]).argmax(1) == labels[1300:]).float().mean().item()
    print({"epoch": epoch, "loss": round(total / 33, 4), "acc": round(acc, 4)})
