"""A transformer encoder that learns whether a sequence holds more small symbols than large ones."""

import torch
import torch.nn as nn

torch.manual_seed(0)
V, T, N = 12, 16, 2000
epochs = 6
x = torch.randint(0, V, (N, T))
y = ((x < V // 2).sum(1) > T // 2).long()


class Classifier(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.emb = nn.Embedding(V, d)
        self.pos = nn.Parameter(torch.randn(T, d) * 0.1)
        layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.0, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(d, 2)

    def forward(self, x):
        return self.head(self.enc(self.emb(x) + self.pos).mean(1))


model = Classifier()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-3, total_steps=epochs * 25)
for epoch in range(epochs):
    model.train()
    for idx in torch.randperm(1600).split(64):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
    model.eval()
    with torch.inference_mode():
        acc = (model(x[1600:]).argmax(-1) == y[1600:]).float().mean()
    print(f"epoch={epoch} loss={loss.item():.3f} acc={acc:.3f}")
