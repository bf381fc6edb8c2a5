"""Topic of a bag of word numbers."""
import torch
import torch.nn as nn

torch.manual_seed(0)
vocab, topics, length = 200, 4, 12
prefer = torch.rand(topics, vocab).pow(6)
y = torch.randint(0, topics, (2000,))
words = torch.multinomial(prefer[y], length, replacement=True)
words = (words / vocab).long()


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab, 32, mode="mean")
        self.fc = nn.Linear(32, topics)

    def forward(self, x):
        return self.fc(self.embedding(x))


net = Bag()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(10):
    for idx in torch.randperm(1600).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(words[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (net(words[1600:]).argmax(1) == y[1600:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
