"""Is a tumour benign? A net of one output."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
data = load_breast_cancer()
order = np.random.RandomState(0).permutation(len(data.target))
x = StandardScaler().fit_transform(data.data)[order].astype("float32")
y = data.target[order].astype("float32")
x_train, x_val = torch.from_numpy(x[:400]), torch.from_numpy(x[400:])
y_train, y_val = torch.from_numpy(y[:400]), torch.from_numpy(y[400:])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(30, 16)
        self.fc2 = nn.Linear(16, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def binary_acc(y_pred, y_true):
    tag = torch.round(torch.sigmoid(y_pred))
    return (tag == y_true).float().mean()


net = Net()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(30):
    net.train()
    for i in range(0, 400, 50):
        optimizer.zero_grad()
        out = net(x_train[i : i + 50])
        loss = criterion(out, y_train[i : i + 50].unsqueeze(1))
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = binary_acc(net(x_val), y_val)
    print(f"Epoch {epoch}: | Loss: {loss.item():.5f} | Acc: {acc.item():.4f}")
