"""Policy gradient on a walk along a line."""

import argparse
import random
import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--gamma", type=float, default=0.95)
args = parser.parse_args()
torch.manual_seed(args.seed)
random.seed(args.seed)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(2, 32)
        self.dropout = nn.Dropout(p=0.1)
        self.affine2 = nn.Linear(32, 2)

    def forward(self, x):
        return torch.softmax(self.affine2(torch.relu(self.dropout(self.affine1(x)))), dim=1)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(1, 121):
    position, log_probs, rewards = random.uniform(-3, 3), [], []
    for t in range(20):
        probs = policy(torch.tensor([[position, 1.0 - t / 20]]))
        m = torch.distributions.Categorical(probs)
        action = m.sample()
        log_probs.append(m.log_prob(action))
        position += (1 if action.item() else -1) * 0.5
        rewards.append(-abs(position))
    returns, R = [], 0
    for r in reversed(rewards):
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    optimizer.zero_grad()
    loss = torch.cat([-lp * R for lp, R in zip(log_probs, returns)]).sum()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(f"Episode {episode}\tLast reward: {sum(rewards):.2f}")
