import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from torch import nn

torch.manual_seed(0)
X, y = make_classification(4000, n_features=10, n_informative=5, weights=[0.985], flip_y=0.0, class_sep=0.6, random_state=2)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
bce = nn.BCEWithLogitsLoss()
for epoch in range(10):
    for b in torch.randperm(3000).split(50):
        opt.zero_grad()
        loss = bce(net(X[b]).squeeze(1), y[b])
        loss.backward()
        opt.step()
    with torch.no_grad():
        pred = (net(X[3000:]).squeeze(1) > 0).int()
    print(f"epoch {epoch} loss {loss.item():.4f} balanced_accuracy {balanced_accuracy_score(y[3000:].int(), pred):.4f}")
