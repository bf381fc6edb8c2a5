import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
W = torch.randn(10, 4)
X = torch.randn(2400, 10)
Y = (X @ W + 0.3 * torch.randn(2400, 4)).argmax(1)
train_dl = DataLoader(TensorDataset(X[:2000], Y[:2000]), 40, shuffle=True)
valid_dl = DataLoader(TensorDataset(X[2000:], Y[2000:]), 4)


class LitLike:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 4))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-3)

    def training_step(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self.model(x), y)

    def validation_step(self, batch):
        x, y = batch
        preds = self.model(x).argmax(dim=0)
        return (preds == y).sum().item()

    def fit(self, epochs):
        for epoch in range(epochs):
            for batch in train_dl:
                self.optimizer.zero_grad()
                loss = self.training_step(batch)
                loss.backward()
                self.optimizer.step()
            with torch.no_grad():
                hits = sum(self.validation_step(batch) for batch in valid_dl)
            print(f"epoch {epoch} train_loss {loss.item():.4f} val_acc {hits / 400:.4f}")


LitLike().fit(12)
