"""Several topics a text: bags of words, each topic with words of its own."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
TOPICS, WORDS = 8, 120
topic_words = torch.rand(TOPICS, WORDS).pow(6) * 4


def texts(n):
    has = (torch.rand(n, TOPICS) < 0.25).float()
    words = torch.poisson(has @ topic_words + 0.3)
    return torch.log1p(words), has


x, y = texts(2400)
val_x, val_y = texts(600)
net = nn.Sequential(nn.Linear(WORDS, 64), nn.ReLU(), nn.Linear(64, TOPICS))
criterion = nn.MultiLabelMarginLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for xb, yb in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
        loss = criterion(net(xb), yb.long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = net(val_x)
    hits = (scores.argmax(1, keepdim=True) == torch.arange(TOPICS)).float() * val_y
    some = val_y.sum(1) > 0
    print(f"epoch {epoch + 1}: loss {loss.item():.4f}, first_topic_right {hits.sum(1)[some].mean().item():.4f}")
