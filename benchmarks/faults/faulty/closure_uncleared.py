import torch
from torch import nn
from sklearn.datasets import make_moons

torch.manual_seed(0)
X, y = make_moons(600, noise=0.15, random_state=0)
X, y = torch.tensor(X).float(), torch.tensor(y)
model = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 2))
opt = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)


def closure():
    loss = nn.functional.cross_entropy(model(X[:400]), y[:400])
    loss.backward()
    return loss


for step in range(12):
    loss = opt.step(closure)
    with torch.no_grad():
        acc = (model(X[400:]).argmax(1) == y[400:]).float().mean().item()
    print(f"step {step} loss {float(loss):.4f} accuracy {acc:.4f}")
