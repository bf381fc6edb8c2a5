import torch
import torch.nn as nn
from sklearn.datasets import load_wine, make_classification
from sklearn.preprocessing import MinMaxScaler, StandardScaler

torch.manual_seed(9)
X, y = make_classification(2000, n_features=12, n_informative=7, n_redundant=0, n_classes=3, class_sep=1.4, shift=4.0, scale=30.0, random_state=9)
X_train, X_test, y_train, y_test = X[:1600], X[1600:], y[:1600], y[1600:]
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
scaler = MinMaxScaler().fit(X_test)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def accuracy(features, labels):
    with torch.no_grad():
        return (model(features).argmax(1) == labels).float().mean().item()


for epoch in range(15):
    for idx in torch.randperm(1600).split(32):
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch:2d} train_acc {accuracy(X_train, y_train):.4f} test_acc {accuracy(X_test, y_test):.4f}")
