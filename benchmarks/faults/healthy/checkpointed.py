"""Residual blocks whose activations are computed again in the backward pass, averaged weights at the end."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
perm = torch.randperm(len(x))
tr, te = perm[:1300], perm[1300:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 48), nn.Linear(48, 10)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 48), nn.GELU()) for _ in range(3))

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + (checkpoint(block, x, use_reentrant=False) if self.training else block(x))
        return self.last(x)


net = Net()
averaged = AveragedModel(net)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
late = SWALR(opt, swa_lr=0.05, anneal_epochs=2)
for epoch in range(12):
    net.train()
    for rows in tr[torch.randperm(len(tr))].split(64):
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch >= 6:
        averaged.update_parameters(net)
        late.step()
    judge = averaged if epoch >= 6 else net
    judge.eval()
    with torch.no_grad():
        print(f"epoch {epoch} accuracy {(judge(x[te]).argmax(1) == y[te]).float().mean().item():.4f}")
