import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(23)
X, y = load_wine(return_X_y=True)
X = torch.tensor((X - X.mean(0)) / X.std(0)).float()
y = torch.tensor(y)
p = torch.randperm(178)
X, y = X[p], y[p]
model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()


def predict(x):
    with torch.no_grad():
        return model(x)


for epoch in range(30):
    for i in torch.randperm(128).split(16):
        optimizer.zero_grad()
        loss = criterion(predict(X[i]), y[i])
        loss.requires_grad_()
        loss.backward()
        optimizer.step()
    accuracy = (predict(X[128:]).argmax(1) == y[128:]).float().mean()
    print("epoch %d  loss %.4f  accuracy %.4f" % (epoch, loss.item(), accuracy))
