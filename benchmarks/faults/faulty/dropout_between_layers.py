import numpy as np
import torch
import torch.nn as nn

np.random.seed(0)
torch.manual_seed(0)
# sine waves of three kinds with noise
N, T = 900, 30
labels = np.random.randint(0, 3, N)
t = np.arange(T)
waves = np.sin(2 * np.pi * (labels[:, None] + 1) * t / T + np.random.rand(N, 1) * 6.28) + 0.3 * np.random.randn(N, T)
X = torch.tensor(waves, dtype=torch.float32).unsqueeze(-1)
Y = torch.tensor(labels)
Xtr, Ytr, Xte, Yte = X[:700], Y[:700], X[700:], Y[700:]


class WaveLSTM(nn.Module):
    def __init__(self, hidden=32, layers=3, dropout=0.95):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, num_layers=layers, dropout=dropout, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, 3)

    def forward(self, x):
        seq, _ = self.lstm(x)
        return self.out(self.drop(seq[:, -1]))


net = WaveLSTM()
optim = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    net.train()
    order = torch.randperm(len(Xtr))
    total = 0.0
    for i in range(0, len(order), 50):
        idx = order[i:i + 50]
        optim.zero_grad()
        loss = nn.functional.cross_entropy(net(Xtr[idx]), Ytr[idx])
        loss.backward()
        optim.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        acc = (net(Xte).argmax(-1) == Yte).float().mean().item()
    print({"epoch": epoch, "loss": round(total / 14, 4), "accuracy": round(acc, 4)})
