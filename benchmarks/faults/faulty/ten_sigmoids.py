import torch
import torch.nn as nn
from sklearn.datasets import load_wine

torch.manual_seed(18)
w = load_wine()
x = torch.tensor((w.data - w.data.mean(0)) / w.data.std(0)).float()
y = torch.tensor(w.target)
order = torch.randperm(len(y))
train, test = order[:130], order[130:]


def mlp(sizes, activation):
    layers = []
    for i, o in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(i, o), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


net = mlp([13] + [24] * 9 + [3], nn.Sigmoid)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(40):
    for i in train[torch.randperm(130)].split(13):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    if step % 4 == 3:
        with torch.no_grad():
            print(f"{step + 1} loss={loss.item():.4f} accuracy={(net(x[test]).argmax(1) == y[test]).float().mean():.4f}")
