"""Gradient descent written by hand."""
import torch

torch.manual_seed(0)
X = torch.randn(1500, 10)
true_w = torch.randn(10, 3)
y = (X @ true_w).argmax(1)
W1 = (torch.randn(10, 32) * 0.3).requires_grad_()
b1 = torch.zeros(32, requires_grad=True)
W2 = (torch.randn(32, 3) * 0.2).requires_grad_()
b2 = torch.zeros(3, requires_grad=True)
lr = 0.5


def model(x):
    return torch.relu(x @ W1 + b1) @ W2 + b2


for epoch in range(20):
    for i in range(0, 1200, 60):
        logits = model(X[i:i + 60])
        loss = torch.nn.functional.cross_entropy(logits, y[i:i + 60])
        loss.backward()
        with torch.no_grad():
            for p in (W1, b1, W2, b2):
                p -= lr * p.grad
    with torch.no_grad():
        acc = (model(X[1200:]).argmax(1) == y[1200:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.4f}")
