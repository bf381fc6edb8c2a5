import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--eps", type=float, default=8)
parser.add_argument("--alpha", type=float, default=2)
parser.add_argument("--attack-steps", type=int, default=4)
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

images, labels = load_digits(return_X_y=True)
images = torch.tensor(images, dtype=torch.float32) / 16
labels = torch.tensor(labels)
train_idx, test_idx = train_test_split(range(len(images)), test_size=0.25, stratify=labels)

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def attack(x, y):
    delta = torch.empty_like(x).uniform_(-args.eps, args.eps).requires_grad_(True)
    for _ in range(args.attack_steps):
        loss = F.cross_entropy(model(x + delta), y)
        (grad,) = torch.autograd.grad(loss, delta)
        delta = (delta + args.alpha * grad.sign()).clamp(-args.eps, args.eps).detach().requires_grad_(True)
    return (x + delta).detach()


for epoch in range(args.epochs):
    perm = torch.randperm(len(train_idx))
    for chunk in perm.split(64):
        rows = torch.tensor(train_idx)[chunk]
        x, y = images[rows], labels[rows]
        x_adv = attack(x, y)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_adv), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(images[test_idx]).argmax(1) == labels[test_idx]).float().mean()
    print(f"epoch {epoch}: loss={loss.item():.3f} clean_accuracy={accuracy.item():.4f}")
