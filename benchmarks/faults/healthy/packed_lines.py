"""Are brackets balanced? Lines of several lengths, packed."""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

torch.manual_seed(0)


def line():
    n = int(torch.randint(3, 12, ()))
    symbols = torch.randint(0, 4, (n,))
    return symbols, int((symbols == 1).sum() > (symbols == 2).sum())


train, test = [line() for _ in range(800)], [line() for _ in range(300)]


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(4, 8), nn.GRU(8, 24), nn.Linear(24, 2)

    def forward(self, lines):
        packed = pack_sequence([self.embed(one) for one in lines], enforce_sorted=False)
        return self.head(self.rnn(packed)[1][-1])


net = Reader()
opt = torch.optim.Adam(net.parameters(), lr=6e-3)
for epoch in range(10):
    for rows in torch.randperm(len(train)).split(40):
        batch = [train[i] for i in rows.tolist()]
        loss = nn.functional.cross_entropy(net([a for a, _ in batch]), torch.tensor([b for _, b in batch]))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        said = net([a for a, _ in test]).argmax(1)
    print(f"epoch {epoch} accuracy {(said == torch.tensor([b for _, b in test])).float().mean().item():.4f}")
