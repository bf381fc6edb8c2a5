import torch
from sklearn.datasets import load_digits
from torch import nn

# Siamese network: do two pictures show the same digit?
torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16.0
labels = torch.tensor(digits.target)
gen = torch.Generator().manual_seed(5)


def pairs(low, high, n):
    first = torch.randint(low, high, (n,), generator=gen)
    second = torch.randint(low, high, (n,), generator=gen)
    # half of the pairs show the same digit
    for i in range(0, n, 2):
        same = (labels[low:high] == labels[first[i]]).nonzero()[:, 0] + low
        second[i] = same[torch.randint(len(same), (1,), generator=gen)]
    return first, second, (labels[first] == labels[second]).float()


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.body(x)


tower = Tower()
loss_fn = nn.CosineEmbeddingLoss(margin=0.2)
optim = torch.optim.Adam(tower.parameters(), lr=0.002)
a, b, same = pairs(0, 1400, 3000)
ta, tb, tsame = pairs(1400, 1797, 600)
for epoch in range(6):
    for k in torch.randperm(3000).split(50):
        optim.zero_grad()
        loss = loss_fn(tower(images[a[k]]), tower(images[b[k]]), same[k])
        loss.backward()
        optim.step()
    with torch.no_grad():
        s = torch.cosine_similarity(tower(images[ta]), tower(images[tb]))
    pos, neg = s[tsame == 1], s[tsame == 0]
    auc = (pos[:, None] > neg[None]).float().mean().item()
    print(f"epoch {epoch + 1}: loss {loss.item():.4f} auc {auc:.4f}")
