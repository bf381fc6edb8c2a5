import random
from collections import deque

import torch
import torch.nn as nn

random.seed(0)
torch.manual_seed(0)
N = 8
q = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
target = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
target.load_state_dict(q.state_dict())
optimizer = torch.optim.Adam(q.parameters(), lr=2e-3)
memory = deque(maxlen=2000)
eye = torch.eye(N)


def step(s, a):
    s2 = min(N - 1, s + 1) if a else max(0, s - 1)
    return s2, 1.0 if s2 == N - 1 else (0.05 if s2 == 0 else 0.0)


state, epsilon = 0, 1.0
for it in range(1, 2001):
    with torch.no_grad():
        a = random.randrange(2) if random.random() < epsilon else int(q(eye[state]).argmax())
    s2, r = step(state, a)
    memory.append((state, a, r, s2))
    state = 0 if it % 40 == 0 else s2
    epsilon = max(0.05, epsilon * 0.998)
    if len(memory) >= 64:
        s, act, rew, nxt = zip(*random.sample(memory, 32))
        s, act, rew, nxt = torch.tensor(s), torch.tensor(act), torch.tensor(rew), torch.tensor(nxt)
        with torch.no_grad():
            goal = rew + 0.95 * target(eye[nxt]).max(1).values
        loss = nn.functional.smooth_l1_loss(q(eye[s]).gather(1, act[:, None]).squeeze(1), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if it % 100 == 0:
        target.load_state_dict(q.state_dict())
    if it % 250 == 0:
        s, total = 0, 0.0
        with torch.no_grad():
            for _ in range(30):
                s, r = step(s, int(q(eye[s]).argmax()))
                total += r
        print(f"step {it} loss {loss.item():.4f} episode_return {total:.2f}")
