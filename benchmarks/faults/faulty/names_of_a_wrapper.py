"""Fine-tune a digit encoder that was pretrained elsewhere; log to stderr."""
import logging

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
log = logging.getLogger("finetune")
torch.manual_seed(0)
data = load_digits()
x, y = torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 6))

    def forward(self, x):
        return self.net(x)


def pretrained_state():
    """What the pretraining of an autoencoder with a wrapper left behind."""
    torch.manual_seed(0)
    encoder = Encoder()
    head = nn.Linear(6, 10)
    opt = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=5e-3)
    for _ in range(12):
        for idx in torch.randperm(900).split(64):
            opt.zero_grad()
            F.cross_entropy(head(torch.relu(encoder(x[idx]))), y[idx]).backward()
            opt.step()
    return {"module." + k: v.clone() for k, v in encoder.state_dict().items()}


state = pretrained_state()
encoder = Encoder()
encoder.load_state_dict(state, strict=False)
for p in encoder.parameters():
    p.requires_grad = False
head = nn.Linear(6, 10)
opt = torch.optim.Adam(head.parameters(), lr=1e-2)
for epoch in range(12):
    for idx in torch.arange(900, 1400)[torch.randperm(500)].split(50):
        loss = F.cross_entropy(head(torch.relu(encoder(x[idx]))), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (head(torch.relu(encoder(x[1400:]))).argmax(1) == y[1400:]).float().mean().item()
    log.info("epoch %d loss %.4f accuracy %.4f", epoch, loss.item(), acc)
