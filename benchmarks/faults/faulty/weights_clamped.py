import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X / 16).float(), torch.tensor(y)
loader = DataLoader(TensorDataset(X[:1500], y[:1500]), 32, shuffle=True)
critic = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 10))
optimizer = torch.optim.RMSprop(critic.parameters(), lr=5e-4)
CLIP = 0.01
for epoch in range(10):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(critic(xb), yb)
        loss.backward()
        optimizer.step()
        for p in critic.parameters():
            p.data.clamp_(-CLIP, CLIP)
    with torch.no_grad():
        accuracy = (critic(X[1500:]).argmax(1) == y[1500:]).float().mean().item()
    print(f"epoch {epoch}  loss {loss.item():.3f}  accuracy {accuracy:.3f}")
