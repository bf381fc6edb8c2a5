"""Two networks choose, for each other, the examples to learn from: labels are noisy."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

data = load_digits()
x = torch.tensor(data.data, dtype=torch.float32) / 16
y = torch.tensor(data.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x_train, y_clean, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]
noise_rate = 0.4
flip = torch.rand(1300) < noise_rate
y_train = torch.where(flip, torch.randint(0, 10, (1300,)), y_clean)


def make():
    return torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))


first, second = make(), make()
opt_first = torch.optim.Adam(first.parameters(), lr=2e-3)
opt_second = torch.optim.Adam(second.parameters(), lr=2e-3)
epochs = 15
for epoch in range(epochs):
    forget = noise_rate * min(1.0, epoch / 4)
    for idx in torch.randperm(1300).split(65):
        loss_first = F.cross_entropy(first(x_train[idx]), y_train[idx], reduction="none")
        loss_second = F.cross_entropy(second(x_train[idx]), y_train[idx], reduction="none")
        keep = int((1 - forget) * len(idx))
        chosen_first = loss_first.argsort()[:keep]
        chosen_second = loss_second.argsort()[:keep]
        opt_first.zero_grad()
        loss_first[chosen_second].mean().backward()
        opt_first.step()
        opt_second.zero_grad()
        loss_second[chosen_first].mean().backward()
        opt_second.step()
    with torch.no_grad():
        acc = (first(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} test_acc {acc:.4f}")
