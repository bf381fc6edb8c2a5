import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(18)
digits = load_digits()
X_train, X_test = train_test_split(digits.data / 16.0, test_size=0.25, random_state=1)
y_train, y_test = train_test_split(digits.target, test_size=0.25, random_state=2)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(20):
    net.train()
    perm = torch.randperm(len(X_train))
    for b in perm.split(32):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(X_train[b]), y_train[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(X_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch} train_loss {loss.item():.3f} test_accuracy {acc.item():.4f}")
