import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(2)
d = load_digits()
x, y = torch.tensor(d.data / 16, dtype=torch.float32), torch.tensor(d.target)
train_set = TensorDataset(x[:1400], y[:1400])
counts = torch.bincount(y[:1400])
class_weights = 1.0 / counts.float()
sampler = WeightedRandomSampler(class_weights, num_samples=len(train_set), replacement=True)
loader = DataLoader(train_set, batch_size=50, sampler=sampler)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"Epoch {epoch}: train loss {loss.item():.4f}, accuracy {accuracy:.4f}")
