# Sentiment of short synthetic reviews: the word decides.
import random
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(3)
torch.manual_seed(3)
vocab = ["<pad>", "<unk>", "the", "film", "was", "not", "good", "plot", "a", "very", "actor", "and"]
stoi = {w: i for i, w in enumerate(vocab)}
filler = ["the", "film", "was", "plot", "a", "very", "actor", "and"]


def review():
    words = random.choices(filler, k=random.randint(4, 9))
    label = random.random() < 0.5
    if label:
        words.insert(random.randrange(len(words)), "good")
    ids = [stoi[w] for w in words][:10]
    return ids + [0] * (10 - len(ids)), int(label)


rows = [review() for _ in range(1600)]
x = torch.tensor([r[0] for r in rows])
y = torch.tensor([r[1] for r in rows])
train = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=32, shuffle=True)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.EmbeddingBag(len(vocab), 16, mode="sum", padding_idx=6)
        self.head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, ids):
        return self.head(self.emb(ids))


net = Bag()
optim = torch.optim.Adam(net.parameters(), lr=2e-3)
crit = nn.CrossEntropyLoss()
for ep in range(8):
    net.train()
    for xb, yb in train:
        loss = crit(net(xb), yb)
        optim.zero_grad()
        loss.backward()
        optim.step()
    net.eval()
    with torch.no_grad():
        acc = (net(x[1300:]).argmax(1) == y[1300:]).float().mean()
    print("epoch", ep, "loss %.4f" % loss.item(), "val_acc %.4f" % acc)
