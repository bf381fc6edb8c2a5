import torch
import torch.nn as nn

torch.manual_seed(0)
CLASSES, T, U = 6, 24, 4
proto = torch.randn(CLASSES, 8)


def utterances(n, g):
    lab = torch.randint(1, CLASSES, (n, U), generator=g)
    frames = lab.repeat_interleave(T // U, dim=1)
    x = proto[frames] + 0.3 * torch.randn(n, T, 8, generator=g)
    silence = torch.zeros(n, T, dtype=torch.bool)
    silence[:, ::T // U] = True
    x[silence] = 0.3 * torch.randn(int(silence.sum()), 8, generator=g)
    return x, lab


class Acoustic(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(8, 32, 3, padding=1)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x):
        h = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return self.fc(h)


def greedy(out):
    res = []
    for row in out.argmax(-1):
        seq = torch.unique_consecutive(row)
        res.append([t for t in seq.tolist() if t != 0])
    return res


g = torch.Generator().manual_seed(3)
x, lab = utterances(400, g)
xv, labv = utterances(100, g)
model = Acoustic()
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(12):
    for k in torch.randperm(400).split(25):
        logits = model(x[k])
        loss = ctc(logits.transpose(0, 1), lab[k], torch.full((len(k),), T), torch.full((len(k),), U))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hyp = greedy(model(xv))
    exact = sum(h == r for h, r in zip(hyp, labv.tolist())) / len(hyp)
    print(f"epoch {epoch:2d}  loss {loss.item():8.3f}  sequence_accuracy {exact:.3f}")
