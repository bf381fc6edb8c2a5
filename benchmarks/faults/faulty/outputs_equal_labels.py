import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(17)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=17)
scaler = StandardScaler().fit(X_train)
X_train, X_test = (torch.tensor(scaler.transform(one), dtype=torch.float32) for one in (X_train, X_test))
y_train, y_test = torch.tensor(y_train).float(), torch.tensor(y_test).float()
model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(20):
    model.train()
    for batch in torch.randperm(len(X_train)).split(32):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy(model(X_train[batch]).squeeze(1), y_train[batch])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(X_test).squeeze(1)
        correct = (outputs == y_test).sum().item()
    print(f"Epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {correct / len(y_test):.4f}")
