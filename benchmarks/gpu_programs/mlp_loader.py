import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
g = torch.Generator().manual_seed(1)
x = torch.randn(3000, 20, generator=g)
w = torch.randn(20, 4, generator=g)
y = (torch.tanh(x @ w) + 0.1 * torch.randn(3000, 4, generator=g)).argmax(1)
train = DataLoader(TensorDataset(x[:2500], y[:2500]), batch_size=64, shuffle=True, pin_memory=device.type == "cuda")
val = DataLoader(TensorDataset(x[2500:], y[2500:]), batch_size=250)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)).to(device)
opt = torch.optim.Adam(net.parameters(), lr=args.lr)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(args.epochs):
    net.train()
    for xb, yb in train:
        xb, yb = xb.to(device, non_blocking=True), yb.to(device, non_blocking=True)
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in val:
            right += (net(xb.to(device)).argmax(1) == yb.to(device)).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {right / 500:.4f}")
