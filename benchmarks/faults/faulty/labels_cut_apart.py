import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
X, Y = load_digits(return_X_y=True)
perm = torch.randperm(len(X))
X = torch.tensor(X, dtype=torch.float32)[perm] / 16
Y = torch.tensor(Y)[perm]

N_TEST = 360
X_train, X_test = X[:-N_TEST], X[-N_TEST:]
Y_train, Y_test = Y[N_TEST:], Y[-N_TEST:]


class MLP(nn.Module):
    def __init__(self, sizes=(64, 96, 48, 10)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x))
        return self.layers[-1](x)


def evaluate(net):
    net.eval()
    with torch.no_grad():
        return (net(X_test).argmax(-1) == Y_test).float().mean().item()


net = MLP()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(8):
    net.train()
    idx = torch.randperm(len(X_train))
    for start in range(0, len(idx), 48):
        rows = idx[start : start + 48]
        opt.zero_grad()
        loss = F.cross_entropy(net(X_train[rows]), Y_train[rows])
        loss.backward()
        opt.step()
    print("epoch %d loss %.4f test_acc %.4f" % (epoch, loss.item(), evaluate(net)))
