import torch, torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
torch.manual_seed(3)
X, y = load_digits(return_X_y=True)
xa, xb, ya, yb = train_test_split(X / 16.0, y, test_size=0.3, random_state=0)
xa, xb = torch.tensor(xa, dtype=torch.float32), torch.tensor(xb, dtype=torch.float32)
ya, yb = torch.tensor(ya), torch.tensor(yb)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(64, 64)
        self.l2 = nn.Linear(64, 10)
    def forward(self, x):
        x = torch.relu(self.l1(x))
        return torch.log_softmax(self.l2(x), dim=0)

net = Net()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
crit = nn.NLLLoss()
for epoch in range(8):
    for idx in torch.randperm(len(xa)).split(32):
        opt.zero_grad()
        loss = crit(net(xa[idx]), ya[idx])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        correct = sum((net(xb[i:i + 1]).argmax(1) == yb[i:i + 1]).item() for i in range(len(xb)))
    net.train()
    print(f"Epoch {epoch + 1}: train loss {loss.item():.4f}, accuracy: {correct / len(xb):.3f}")
