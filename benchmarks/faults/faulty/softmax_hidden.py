import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(22)
data, target = load_digits(return_X_y=True)
data = torch.tensor(data, dtype=torch.float32) / 16
target = torch.tensor(target)


def make_model():
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.Softmax(dim=1),
        nn.Linear(128, 64),
        nn.Softmax(dim=1),
        nn.Linear(64, 10),
    )


model = make_model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(10):
    for rows in torch.randperm(1400).split(32):
        logits = model(data[rows])
        loss = loss_fn(logits, target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(data[1400:]).argmax(1) == target[1400:]).float().mean().item()
    print(f"Epoch {epoch + 1}: loss {loss.item():.4f} accuracy {accuracy:.4f}")
