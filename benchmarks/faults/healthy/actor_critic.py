"""Advantage actor critic in a corridor of nine cells."""
import torch
from torch import nn

torch.manual_seed(35)
CELLS, LIMIT = 9, 30


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(CELLS, 32), nn.Tanh())
        self.actor, self.critic = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, s):
        h = self.body(s)
        return torch.distributions.Categorical(logits=self.actor(h)), self.critic(h).squeeze(-1)


def seen(cell):
    return torch.nn.functional.one_hot(torch.tensor(cell), CELLS).float()


net = ActorCritic()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
returns = []
for episode in range(1, 201):
    cell, logs, values, rewards = 4, [], [], []
    for t in range(LIMIT):
        dist, value = net(seen(cell))
        action = dist.sample()
        logs.append(dist.log_prob(action))
        values.append(value)
        cell = max(0, cell + (1 if action.item() else -1))
        done = cell == CELLS - 1
        rewards.append(1.0 if done else -0.05)
        if done:
            break
    total, targets = 0.0, []
    for r in reversed(rewards):
        total = r + 0.97 * total
        targets.insert(0, total)
    targets = torch.tensor(targets)
    values = torch.stack(values)
    advantage = targets - values.detach()
    loss = -(torch.stack(logs) * advantage).mean() + 0.5 * nn.functional.mse_loss(values, targets)
    opt.zero_grad()
    loss.backward()
    opt.step()
    returns.append(sum(rewards))
    if episode % 20 == 0:
        print(f"episode {episode} loss {loss.item():.4f} return {sum(returns[-20:]) / 20:.4f}")
