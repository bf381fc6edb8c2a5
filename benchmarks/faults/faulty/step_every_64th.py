import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(20)
ACCUMULATE = 64
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=32, shuffle=True)


def train_one_epoch(model, loader, optimizer):
    model.train()
    running = 0.0
    optimizer.zero_grad()
    for i, (xb, yb) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(xb), yb) / ACCUMULATE
        loss.backward()
        running += loss.item() * ACCUMULATE
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    return running / len(loader)


@torch.no_grad()
def evaluate(model):
    model.eval()
    return (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()


def main():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(8):
        loss = train_one_epoch(model, loader, optimizer)
        print(f"epoch {epoch} | train loss {loss:.4f} | val_accuracy {evaluate(model):.4f}")


if __name__ == "__main__":
    main()
