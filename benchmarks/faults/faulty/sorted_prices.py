import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
rs = np.random.RandomState(1)
frame = pd.DataFrame(rs.randn(1400, 6), columns=list("abcdef"))
frame["price"] = 2 * frame.a - frame.b * frame.c + np.sin(2 * frame.d) + 0.1 * rs.randn(1400)
test = frame.iloc[1100:]
train = frame.iloc[:1100].sort_values("price")


def tensors(f):
    return torch.tensor(f.drop(columns="price").values).float(), torch.tensor(f["price"].values).float()


loader = DataLoader(TensorDataset(*tensors(train)), batch_size=20)
xt, yt = tensors(test)
net = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
for epoch in range(20):
    for xb, yb in loader:
        opt.zero_grad()
        nn.functional.mse_loss(net(xb)[:, 0], yb).backward()
        opt.step()
    with torch.no_grad():
        r2 = 1 - ((net(xt)[:, 0] - yt) ** 2).mean() / yt.var()
    print("epoch", epoch, "r2", round(r2.item(), 4))
