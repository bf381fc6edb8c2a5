import torch
from torch import nn

torch.manual_seed(2)
WORDS = 20
table = torch.softmax(3 * torch.randn(WORDS, WORDS), 1)
stream = [0]
for _ in range(9000):
    stream.append(int(torch.multinomial(table[stream[-1]], 1)))
text = torch.tensor(stream)


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.r, self.o = nn.Embedding(WORDS, 24), nn.LSTM(24, 48, batch_first=True), nn.Linear(48, WORDS)

    def forward(self, x):
        return self.o(self.r(self.e(x))[0])


train, valid = text[:8000].view(-1, 20), text[8000:9000].view(-1, 20)
model = LM()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    model.train()
    for i in torch.randperm(len(train)).split(16):
        tokens = train[i]
        loss = nn.functional.cross_entropy(model(tokens).reshape(-1, WORDS), tokens.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        guess = model(valid[:, :-1]).argmax(-1)
        accuracy = (guess == valid[:, 1:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} next_word_accuracy {accuracy:.4f}")
