import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(5)
np.random.seed(5)
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
Y = torch.tensor(d.target)
train, test = slice(0, 1400), slice(1400, None)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
    nn.Linear(128, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
for epoch in range(8):
    net.train()
    for i in torch.randperm(1400).split(50):
        lam = float(np.random.beta(0.4, 0.4))
        j = i[torch.randperm(len(i))]
        out = net(lam * X[i] + (1 - lam) * X[j])
        loss = lam * smooth(out, Y[i]) + (1 - lam) * smooth(out, Y[j])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        top1 = (net(X[test]).argmax(1) == Y[test]).float().mean().item() * 100
    print(f"Epoch {epoch}\tLoss {loss.item():.3f}\tPrec@1 {top1:.2f}")
