import torch
from torch import nn

torch.manual_seed(3)


class Matcher(nn.Module):
    """Does the query word occur in the text?  Attention of the query over the text."""

    def __init__(self, words=40, width=32):
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.attend = nn.MultiheadAttention(width, 2)
        self.out = nn.Sequential(nn.Linear(2 * width, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, text, query):
        t, q = self.embed(text), self.embed(query)
        found, _ = self.attend(q, t, t)
        return self.out(torch.cat([found.mean(1), q.mean(1)], 1))


def make(n):
    text = torch.randint(40, (n, 8))
    query = torch.randint(40, (n, 8))
    answer = torch.randint(2, (n,))
    place = torch.randint(8, (n,))
    word = torch.where(answer == 1, text[torch.arange(n), place], query[:, 0])
    query = word.unsqueeze(1).expand(n, 8).clone()
    answer = (text == word.unsqueeze(1)).any(1).long()
    return text, query, answer


net = Matcher()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
test = make(500)
for step in range(1, 601):
    text, query, answer = make(64)
    loss = nn.functional.cross_entropy(net(text, query), answer)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        with torch.no_grad():
            acc = (net(test[0], test[1]).argmax(1) == test[2]).float().mean().item()
        print(f"step {step}: loss {loss.item():.4f} acc {acc:.4f}")
