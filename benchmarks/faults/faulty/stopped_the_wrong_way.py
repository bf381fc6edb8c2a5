import torch
from torch import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
Xt, Xv, yt, yv = train_test_split(X / 16.0, y, random_state=1)
Xt, Xv = torch.tensor(Xt).float(), torch.tensor(Xv).float()
yt, yv = torch.tensor(yt), torch.tensor(yv)
net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
best, patience, waited = 0.0, 3, 0
for epoch in range(60):
    for idx in torch.randperm(len(Xt)).split(64):
        opt.zero_grad()
        nn.functional.cross_entropy(net(Xt[idx]), yt[idx]).backward()
        opt.step()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(net(Xv), yv).item()
        val_accuracy = (net(Xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch} val_loss {val_loss:.4f} val_accuracy {val_accuracy:.4f}")
    if val_loss > best:
        waited += 1
        if waited >= patience:
            print("early stopping")
            break
    else:
        best, waited = val_loss, 0
