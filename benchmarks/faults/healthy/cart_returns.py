"""Brings a cart to the middle by policy gradients."""

import math
import torch
from torch import nn

torch.manual_seed(7)
policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
value = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)
def rollout(n, noise):
    pos, vel = torch.rand(n) * 2 - 1, torch.zeros(n)
    logs, rewards, states = [], [], []
    for t in range(25):
        s = torch.stack([pos, vel], 1)
        mean = policy(s).squeeze(1)
        dist = torch.distributions.Normal(mean, 0.3)
        a = dist.sample() if noise else mean
        logs.append(dist.log_prob(a.detach())); states.append(s)
        vel = vel + 0.2 * a.detach().clamp(-1, 1); pos = pos + 0.2 * vel
        rewards.append(-(pos ** 2 + 0.1 * vel ** 2))
    return torch.stack(logs), torch.stack(rewards), torch.stack(states)
for it in range(60):
    logs, rewards, states = rollout(32, True)
    returns = rewards.flip(0).cumsum(0).flip(0)
    v = value(states).squeeze(-1)
    adv = (returns - v).detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-6)
    loss = -(logs * adv).mean() + 0.05 * ((v - returns) ** 2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    if it % 5 == 4:
        with torch.no_grad():
            _, r, _ = rollout(64, False)
        print(f"iter {it} mean_return {r.sum(0).mean().item():.3f}")
