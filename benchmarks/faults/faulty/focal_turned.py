"""Rare defects: a focal loss."""
import argparse

import torch
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        p = torch.sigmoid(logits)
        pt = torch.where(target == 1, p, 1 - p)
        return (-(pt**self.gamma) * torch.log(pt.clamp(min=1e-6))).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    x, y = make_classification(
        3000, 20, n_informative=8, weights=[0.85], class_sep=1.2, n_clusters_per_class=2, random_state=3
    )
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    data = TensorDataset(torch.tensor(x_train).float(), torch.tensor(y_train).float())
    loader = DataLoader(data, batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = FocalLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            predicted = (model(torch.tensor(x_test).float()).squeeze(1) > 0).long().numpy()
        print(f"Epoch {epoch + 1}: loss={running / len(loader):.4f} f1={f1_score(y_test, predicted):.4f}")


if __name__ == "__main__":
    main()
