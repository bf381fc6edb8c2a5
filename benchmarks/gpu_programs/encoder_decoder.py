import torch
import torch.nn as nn

torch.manual_seed(0)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
enc = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
dec = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 10))
opt_e = torch.optim.Adam(enc.parameters(), lr=2e-3)
opt_d = torch.optim.Adam(dec.parameters(), lr=2e-3)
basis = torch.randn(3, 10)
data = torch.randn(2000, 3) @ basis
for epoch in range(10):
    for i in range(0, 1800, 60):
        b = data[i:i + 60]
        loss = ((dec(enc(b)) - b) ** 2).mean()
        opt_e.zero_grad(); opt_d.zero_grad()
        loss.backward()
        opt_e.step(); opt_d.step()
    with torch.no_grad():
        v = ((dec(enc(data[1800:])) - data[1800:]) ** 2).mean()
    print(f"epoch {epoch} val_loss {v.item():.5f}")
