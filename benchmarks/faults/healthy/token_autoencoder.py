"""An autoencoder of short token sequences."""
import torch
from torch import nn

torch.manual_seed(6)
tokens = torch.randint(0, 12, (1800, 6))


class Auto(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 16)
        self.enc = nn.Sequential(nn.Flatten(), nn.Linear(96, 48), nn.ReLU())
        self.dec = nn.Linear(48, 72)

    def forward(self, t):
        return self.dec(self.enc(self.embed(t))).view(-1, 6, 12)


net = Auto()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(12):
    for i in torch.randperm(1500).split(50):
        out = net(tokens[i])
        loss = nn.functional.cross_entropy(out.reshape(-1, 12), tokens[i].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        right = (net(tokens[1500:]).argmax(-1) == tokens[1500:]).float().mean().item()
    print(f"epoch {epoch} token_accuracy {right:.4f}")
