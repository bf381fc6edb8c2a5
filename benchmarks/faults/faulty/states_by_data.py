# Does the sequence contain more ones in its first half than in its second?
import torch
import torch.nn as nn

torch.manual_seed(8)
T = 12
X = (torch.rand(1800, T) < 0.5).float()
Y = (X[:, : T // 2].sum(1) > X[:, T // 2 :].sum(1)).long()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(1, 32)

    def forward(self, x):
        h = x.new_zeros(len(x), 32)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t : t + 1], h.data)
        return h


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        return self.out(self.encoder(x))


model = Classifier()
opt = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(20):
    for xb, yb in zip(X[:1500].split(50), Y[:1500].split(50)):
        loss = nn.functional.cross_entropy(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (model(X[1500:]).argmax(-1) == Y[1500:]).float().mean().item()
    print("epoch %d loss %.4f acc %.4f" % (epoch, loss.item(), acc))
