import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
perm = torch.randperm(len(x))
tr, te = perm[:1300], perm[1300:]


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU())
        self.decode = nn.Linear(8, 64)
        self.classify = nn.Linear(8, 10)

    def forward(self, x):
        code = self.encode(x)
        return self.classify(code), self.decode(code), code


net = Two()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in tr[torch.randperm(len(tr))].split(64):
        logits, rebuilt, code = net(x[rows])
        loss = nn.functional.cross_entropy(logits, y[rows]) + 50.0 * code.abs().sum(1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        accuracy = (net(x[te])[0].argmax(1) == y[te]).float().mean().item()
    print(f"epoch={epoch} loss={loss.item():.4f} accuracy={accuracy:.4f}")
