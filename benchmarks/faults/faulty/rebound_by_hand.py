# linear regression and a hidden layer, without an optimiser
import torch
from sklearn.datasets import make_friedman1

torch.manual_seed(0)
X, y = make_friedman1(900, 5, noise=0.3, random_state=0)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).view(-1, 1)
y = (y - y.mean()) / y.std()
net = torch.nn.Sequential(torch.nn.Linear(5, 40), torch.nn.Tanh(), torch.nn.Linear(40, 1))
lr = 0.05
for epoch in range(40):
    for i in range(0, 700, 35):
        pred = net(X[i:i + 35])
        loss = ((pred - y[i:i + 35]) ** 2).mean()
        net.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p = p - lr * p.grad
    if epoch % 4 == 3:
        with torch.no_grad():
            print("epoch", epoch + 1, "val mse", ((net(X[700:]) - y[700:]) ** 2).mean().item())
