"""Policy-free bandit: learns to predict the pay of arms, epsilon greedy."""
import torch
from torch import nn

torch.manual_seed(3)
ARMS, CTX = 4, 6
W = torch.randn(ARMS, CTX)
net = nn.Sequential(nn.Linear(CTX, 32), nn.ReLU(), nn.Linear(32, ARMS))
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)
buffer = []
pay = 0.0
best = 0.0
for step in range(1, 2001):
    c = torch.randn(CTX)
    with torch.no_grad():
        q = net(c)
    a = int(torch.randint(ARMS, (1,))) if torch.rand(1) < max(0.1, 1 - step / 800) else int(q.argmax())
    r = float((W[a] @ c).tanh() + 0.1 * torch.randn(1))
    buffer.append((c, a, r))
    pay += r
    best += float((W @ c).tanh().max())
    if len(buffer) >= 64:
        pick = torch.randint(len(buffer), (32,)).tolist()
        cs = torch.stack([buffer[i][0] for i in pick])
        acts = torch.tensor([buffer[i][1] for i in pick])
        rs = torch.tensor([buffer[i][2] for i in pick])
        loss = nn.functional.smooth_l1_loss(net(cs).gather(1, acts[:, None]).squeeze(1), rs)
        opt.zero_grad()
        loss.backward()
        opt.step()
    if step % 200 == 0:
        print(f"step {step} share_of_best {pay / best:.4f}")
        pay = best = 0.0
