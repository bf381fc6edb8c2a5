import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
g = torch.Generator().manual_seed(31)
TOPICS, V = 4, 80


def document():
    topic = torch.randint(0, TOPICS, (1,), generator=g).item()
    length = torch.randint(6, 14, (1,), generator=g).item()
    own = torch.randint(topic * 15, topic * 15 + 15, (length,), generator=g)
    other = torch.randint(60, V, (length,), generator=g)
    return topic, torch.where(torch.rand(length, generator=g) < 0.4, own, other)


train, test = [document() for _ in range(2000)], [document() for _ in range(400)]


def collate(batch):
    labels, texts, offsets = [], [], [0]
    for label, text in batch:
        labels.append(label)
        texts.append(text)
        offsets.append(len(text))
    return torch.tensor(labels), torch.cat(texts), torch.tensor(offsets[:-1])


class TextClassifier(nn.Module):
    def __init__(self, d=24):
        super().__init__()
        self.embedding = nn.EmbeddingBag(V, d)
        self.fc = nn.Linear(d, TOPICS)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


model = TextClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loader, test_loader = DataLoader(train, 32, shuffle=True, collate_fn=collate), DataLoader(test, 50, collate_fn=collate)
for epoch in range(6):
    for label, text, offsets in loader:
        optimizer.zero_grad()
        loss = criterion(model(text, offsets), label)
        loss.backward()
        optimizer.step()
    right = 0
    with torch.no_grad():
        for label, text, offsets in test_loader:
            right += (model(text, offsets).argmax(1) == label).sum().item()
    print(f"epoch {epoch} | loss {loss.item():.4f} | accuracy {right / 400:.4f}")
