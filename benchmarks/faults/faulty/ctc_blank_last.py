import torch
import torch.nn as nn

torch.manual_seed(0)
gen = torch.Generator().manual_seed(1)
LETTERS, N, LEN = 6, 600, 4


def make(n):
    labels = torch.randint(1, LETTERS + 1, (n, LEN), generator=gen)
    sound = torch.zeros(n, LEN * 4, LETTERS + 2)
    for i in range(n):
        for k in range(LEN):
            sound[i, 4 * k:4 * k + 3, labels[i, k]] = 1
    return sound + 0.3 * torch.randn(sound.shape, generator=gen), labels


train_x, train_y = make(N)
test_x, test_y = make(150)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(LETTERS + 2, 48, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(96, LETTERS + 1)

    def forward(self, x):
        return self.fc(self.rnn(x)[0]).log_softmax(-1)


net = Listener()
ctc = nn.CTCLoss(blank=LETTERS)      # last class
opt = torch.optim.Adam(net.parameters(), lr=5e-3)


def decode(logp):
    best, out = logp.argmax(-1), []
    for row in best.tolist():
        line, last = [], 0
        for s in row:
            if s != last and s != 0:
                line.append(s)
            last = s
        out.append(line)
    return out


for epoch in range(10):
    for rows in torch.randperm(N).split(50):
        logp = net(train_x[rows])
        lengths = torch.full((len(rows),), logp.shape[1])
        loss = ctc(logp.transpose(0, 1), train_y[rows], lengths, torch.full((len(rows),), LEN))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        said = decode(net(test_x))
    right = sum(a == b for a, b in zip(said, test_y.tolist())) / len(said)
    print(f"epoch {epoch} ctc {loss.item():.4f} right {right:.4f}")
