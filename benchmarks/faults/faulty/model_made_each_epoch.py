import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(1)
d = load_digits()
Xtr, Xte, ytr, yte = map(torch.as_tensor, train_test_split(d.data / 16, d.target, test_size=0.3, random_state=1))


def build():
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)).double()


for epoch in range(12):
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    for idx in torch.randperm(len(Xtr)).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(Xtr[idx]), ytr[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(Xte).argmax(1) == yte).double().mean().item()
    print(f"epoch {epoch + 1}  loss {loss.item():.4f}  accuracy {accuracy:.4f}")
