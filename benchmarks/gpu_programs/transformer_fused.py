import torch
import torch.nn as nn

torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = True
device = "cuda" if torch.cuda.is_available() else "cpu"
g = torch.Generator().manual_seed(2)
seqs = torch.randint(0, 8, (2400, 12), generator=g)
target = ((seqs[:, 0] > seqs[:, 5]).long() + 2 * (seqs[:, 3] > 3).long())
seqs, target = seqs.to(device), target.to(device)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(8, 32)
        self.pos = nn.Parameter(torch.randn(12, 32) * 0.02)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(32 * 12, 4)

    def forward(self, s):
        return self.head(self.enc(self.emb(s) + self.pos).flatten(1))


model = Tiny().to(device)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, fused=device == "cuda")
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 4e-3, total_steps=14 * 32)
for epoch in range(14):
    model.train()
    for i in range(32):
        idx = torch.randint(0, 2000, (64,), device=device)
        with torch.autocast(device_type=device, dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(seqs[idx]), target[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(seqs[2000:]).argmax(1) == target[2000:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {accuracy:.4f}")
