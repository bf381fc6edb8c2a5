import copy
import random
from collections import deque

import torch
from torch import nn

torch.manual_seed(1)
random.seed(1)
N = 8


def step(s, a):
    s = max(0, s - 1) if a == 0 else min(N - 1, s + 1)
    return s, (1.0 if s == N - 1 else 0.0), s == N - 1


def one_hot(states):
    return torch.eye(N)[torch.as_tensor(states)]


q = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
nn.init.zeros_(q[2].weight)
target = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), lr=3e-3)
memory = deque(maxlen=3000)
SYNC = 10**6
steps, loss = 0, torch.zeros(())
for episode in range(1, 81):
    s = random.randrange(N - 1)
    for t in range(20):
        if random.random() < 0.5:
            a = random.randrange(2)
        else:
            with torch.no_grad():
                a = int(q(one_hot([s])).argmax())
        s2, r, done = step(s, a)
        memory.append((s, a, r, s2, done))
        s = s2
        steps += 1
        if len(memory) >= 64:
            batch = random.sample(memory, 32)
            S, A, R, S2, D = zip(*batch)
            with torch.no_grad():
                goal = torch.tensor(R) + 0.8 * target(one_hot(S2)).max(1).values * (1 - torch.tensor(D).float())
            value = q(one_hot(S)).gather(1, torch.tensor(A)[:, None]).squeeze(1)
            loss = nn.functional.smooth_l1_loss(value, goal)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if steps % SYNC == 0:
            target.load_state_dict(q.state_dict())
        if done:
            break
    if episode % 8 == 0:
        with torch.no_grad():
            values = q(one_hot(list(range(N - 1))))
        truth = torch.tensor([0.8 ** (N - 2 - s) for s in range(N - 1)])
        error = (values[:, 1] - truth).abs().mean().item()
        print(f"episode {episode} loss {loss.item():.4f} value_error {error:.4f}")
