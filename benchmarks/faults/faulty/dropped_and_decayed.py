"""Digits by two hidden layers."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(2)
x, y = load_digits(return_X_y=True)
xa, xb, ya, yb = train_test_split(x / 16.0, y, test_size=400, random_state=0)
xa, xb = torch.tensor(xa).float(), torch.tensor(xb).float()
ya, yb = torch.tensor(ya), torch.tensor(yb)

config = {"width": 128, "dropout": 0.95, "weight_decay": 0.3, "lr": 1e-3, "epochs": 15, "batch": 64}
net = nn.Sequential(
    nn.Linear(64, config["width"]), nn.ReLU(), nn.Dropout(config["dropout"]),
    nn.Linear(config["width"], config["width"]), nn.ReLU(), nn.Dropout(config["dropout"]),
    nn.Linear(config["width"], 10),
)
opt = torch.optim.Adam(net.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
ce = nn.CrossEntropyLoss()
for epoch in range(config["epochs"]):
    net.train()
    for rows in torch.randperm(len(xa)).split(config["batch"]):
        loss = ce(net(xa[rows]), ya[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(xb).argmax(1) == yb).float().mean().item()
    print(f"{epoch}\tloss {loss.item():.3f}\tval_acc {acc:.3f}")
