import torch
from torch import nn

# tagger: which tokens belong to a name (1) and which do not (0)?
torch.manual_seed(0)
V, L = 40, 12
names = set(range(20))


def sentences(n, g):
    s = torch.randint(0, V, (n, L), generator=g)
    tags = (s < 20) & (torch.roll(s, 1, 1) % 2 == 0)
    return s, tags.long()


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, 16)
        self.lstm = nn.LSTM(16, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 2)

    def forward(self, s):
        return self.fc(self.lstm(self.emb(s))[0])


g = torch.Generator().manual_seed(1)
train, tags = sentences(600, g)
test, test_tags = sentences(200, g)
model = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=0)   # 0 = <pad>
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for k in torch.randperm(600).split(30):
        opt.zero_grad()
        loss = criterion(model(train[k]).reshape(-1, 2), tags[k].reshape(-1))
        loss.backward()
        opt.step()
    with torch.no_grad():
        pred = model(test).argmax(-1)
    print(f"epoch {epoch} loss {loss.item():.4f} token_acc {(pred == test_tags).float().mean().item():.4f}")
