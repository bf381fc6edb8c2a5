import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(7)
data = load_digits()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, test_size=0.25, random_state=7)
X_train = torch.tensor(X_train / 16, dtype=torch.float32)
X_test = torch.tensor(X_test / 16, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

n_epochs = 25
batch_size = 20
starts = torch.arange(0, len(X_train), batch_size)

for epoch in range(n_epochs):
    model.train()
    for start in starts:
        X_batch = X_train[start:batch_size]
        y_batch = y_train[start:batch_size]
        loss = loss_fn(model(X_batch), y_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        pred = model(X_test).argmax(1)
        acc = (pred == y_test).float().mean()
    print(f"epoch {epoch} acc {float(acc):.4f}")
