"""REINFORCE on a small grid: reach the goal in few steps."""
import argparse

import torch
from torch import nn, optim
from torch.distributions import Categorical

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--lr", type=float, default=0.003)
args = parser.parse_args()
torch.manual_seed(args.seed)

SIDE, LIMIT = 5, 20
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(SIDE * SIDE, 64)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x):
        return torch.softmax(self.fc2(torch.relu(self.fc1(x))), dim=-1)


def episodes(policy, n, learn=True):
    place = torch.randint(0, SIDE, (n, 2))
    done = torch.zeros(n, dtype=torch.bool)
    logs, rewards, alive = [], [], []
    for _ in range(LIMIT):
        state = nn.functional.one_hot(place[:, 0] * SIDE + place[:, 1], SIDE * SIDE).float()
        dist = Categorical(logits=policy(state))
        action = dist.sample()
        logs.append(dist.log_prob(action))
        alive.append((~done).float())
        place = torch.where(done.unsqueeze(1), place, (place + MOVES[action]).clamp(0, SIDE - 1))
        arrived = (place == SIDE - 1).all(dim=1) & ~done
        rewards.append(torch.where(arrived, 1.0, -0.05) * (~done).float())
        done = done | arrived
    return torch.stack(logs), torch.stack(rewards), torch.stack(alive), done


policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=args.lr)
for it in range(150):
    logs, rewards, alive, done = episodes(policy, 32)
    returns = torch.zeros_like(rewards)
    running = torch.zeros(32)
    for t in reversed(range(LIMIT)):
        running = rewards[t] + 0.97 * running
        returns[t] = running
    advantage = (returns - returns[alive > 0].mean()) / (returns[alive > 0].std() + 1e-6)
    loss = -(logs * advantage * alive).sum() / alive.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (it + 1) % 15 == 0:
        with torch.no_grad():
            _, test, _, reached = episodes(policy, 200)
        print(f"iteration {it + 1} loss {loss.item():.4f} episode_return {test.sum(0).mean():.4f} reached {reached.float().mean():.3f}")
