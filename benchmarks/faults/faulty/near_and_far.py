import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(1)
data = load_digits()
images = torch.tensor(data.data, dtype=torch.float32) / 16.0
labels = torch.tensor(data.target)
perm = torch.randperm(len(images))
images, labels = images[perm], labels[perm]
tr_x, tr_y, te_x, te_y = images[:1300], labels[:1300], images[1300:], labels[1300:]
by_class = [torch.nonzero(tr_y == c).flatten() for c in range(10)]

embed = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 16))
triplet = nn.TripletMarginLoss(margin=0.5)
optimizer = torch.optim.Adam(embed.parameters(), lr=1e-3)


def sample(n):
    anchor = torch.randint(0, len(tr_x), (n,))
    positive, negative = [], []
    for a in anchor.tolist():
        same = by_class[tr_y[a]]
        other = by_class[(tr_y[a] + torch.randint(1, 10, (1,)).item()) % 10]
        positive.append(same[torch.randint(len(same), (1,))])
        negative.append(other[torch.randint(len(other), (1,))])
    return anchor, torch.cat(positive), torch.cat(negative)


for epoch in range(8):
    total = 0.0
    for _ in range(30):
        a, p, n = sample(48)
        loss = triplet(embed(tr_x[a]), embed(tr_x[n]), embed(tr_x[p]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        d = torch.cdist(embed(te_x), embed(tr_x))
        nearest = tr_y[d.topk(5, largest=False).indices].mode(1).values
        acc = (nearest == te_y).float().mean().item()
    print(f"epoch {epoch} loss {total / 30:.4f} knn_accuracy {acc:.4f}")
